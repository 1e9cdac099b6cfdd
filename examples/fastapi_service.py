"""A service with two features, each on its own provider: what does each of them cost?

pip install 'costspan[openai,anthropic]' openai anthropic fastapi uvicorn
export OPENAI_API_KEY=... ANTHROPIC_API_KEY=...
uvicorn --app-dir examples fastapi_service:app
curl -X POST localhost:8000/orders/summary -H 'x-user: u-42' -d 'Two lamps, one of them blue.'
costspan report --by feature,provider
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import anthropic
import openai
from fastapi import FastAPI, Request

import costspan

configured = costspan.configure(service_name="order-desk", environment="dev")


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Send the calls of the last second: uvicorn ends by the signal that stopped it, past Python's exit handlers."""
    yield
    await asyncio.to_thread(configured.flush)


app = FastAPI(lifespan=lifespan)
# Retrying is done below, so that each attempt is seen. The clients' own retries would be, too, as one call.
chat = openai.AsyncOpenAI(max_retries=0)
claude = anthropic.AsyncAnthropic(max_retries=0)

Answer = TypeVar("Answer")
ATTEMPTS = 4
FIRST_PAUSE_S = 0.2


@app.post("/orders/summary")
async def summarise_order(request: Request) -> str:
    """Return an order in one sentence."""
    order = (await request.body()).decode()
    with costspan.attribute(feature="order_summary", team="orders", user_id=request.headers.get("x-user")):
        answer = await patiently(
            lambda: chat.chat.completions.create(
                model="gpt-5-mini", messages=[{"role": "user", "content": f"One sentence: {order}"}]
            )
        )
    return answer.choices[0].message.content or ""


@app.post("/tickets/triage")
async def triage_ticket(request: Request) -> str:
    """Return which desk a ticket belongs to."""
    ticket = (await request.body()).decode()
    with costspan.attribute(feature="ticket_triage", team="support", user_id=request.headers.get("x-user")):
        answer = await patiently(
            lambda: claude.messages.create(
                model="claude-haiku-4-5",
                max_tokens=20,
                messages=[{"role": "user", "content": f"Billing, delivery or other? {ticket}"}],
            )
        )
    return answer.content[0].text


async def patiently(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Return the answer of `ask`, asking again after a pause that doubles when the provider says it is too much."""
    for attempt in range(ATTEMPTS - 1):
        try:
            return await ask()
        except (openai.RateLimitError, anthropic.RateLimitError):
            await asyncio.sleep(FIRST_PAUSE_S * 2**attempt)
    return await ask()
