// A service that summarises orders. Run it with a key in OPENAI_API_KEY:
//
//     npm ci && npm start
//     curl -X POST localhost:8080/orders/summary -d 'Two lamps, one of them blue.'
//     costspan report --by service,feature,model

const { tracer } = require("./telemetry"); // first: it has to be there before the client is loaded
const http = require("node:http");
const OpenAI = require("openai");

const client = new OpenAI();

// Whatever a call is made for may be said by any span around it: costspan looks upwards.
function summarise(order) {
  return tracer.startActiveSpan("summarise order", { attributes: { feature: "order_summary" } }, async (span) => {
    try {
      const answer = await client.chat.completions.create({
        model: "gpt-5-mini",
        messages: [{ role: "user", content: `One sentence: ${order}` }],
      });
      return answer.choices[0].message.content;
    } finally {
      span.end();
    }
  });
}

const server = http.createServer(async (request, response) => {
  if (request.url !== "/orders/summary") return response.writeHead(404).end();
  let order = "";
  for await (const piece of request) order += piece;
  try {
    response.end(await summarise(order));
  } catch (error) {
    response.writeHead(502).end(String(error));
  }
});
server.listen(process.env.PORT ?? 8080, () => console.log(`listening on http://localhost:${server.address().port}`));
