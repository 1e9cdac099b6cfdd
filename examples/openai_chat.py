"""A call and a streamed call of the OpenAI client, priced. Run it with a key in OPENAI_API_KEY.

pip install 'costspan[openai]' openai
costspan serve &                       # or any OTLP backend, named in OTEL_EXPORTER_OTLP_ENDPOINT
python examples/openai_chat.py
costspan report --by feature,model
"""

import openai

import costspan

costspan.configure(service_name="openai-chat")  # one line; the rest is an ordinary program
client = openai.OpenAI()
question = [{"role": "user", "content": "What does OpenTelemetry do? One sentence."}]

with costspan.attribute(feature="chat", team="docs"):
    answer = client.chat.completions.create(model="gpt-5-mini", messages=question)
    print(answer.choices[0].message.content)

with costspan.attribute(feature="streamed_chat", team="docs"):
    # OpenAI counts the tokens of a stream only where it is asked to. costspan asks, and what you read stays the same.
    for chunk in client.chat.completions.create(model="gpt-5-mini", messages=question, stream=True):
        print(chunk.choices[0].delta.content or "", end="")
print()
