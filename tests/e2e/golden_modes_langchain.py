"""Every way LangChain and LangGraph ask OpenAI: one function a mode. Run by `golden.capture` in its own process."""

from __future__ import annotations

import asyncio
from typing import Any

from langchain.agents import create_agent
from langchain_core.prompts import ChatPromptTemplate
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from langgraph.graph import END, START, MessagesState, StateGraph

from costspan.testing.stub_provider import StubProvider, StubUsage

USAGE = StubUsage(
    input_tokens=2600, cached_tokens=2000, cache_write_tokens=400, output_tokens=300, reasoning_tokens=200
)
ASKED: Any = {"messages": [{"role": "user", "content": "secret words"}]}

stub = StubProvider()


def model() -> ChatOpenAI:
    return ChatOpenAI(model="gpt-5", base_url=stub.base_url, api_key="test", use_responses_api=False)


def weather() -> str:
    """Say what the weather is."""
    return "sunny"


def chain() -> None:
    (ChatPromptTemplate.from_template("{question}") | model()).invoke({"question": "secret words"})


def chain_async() -> None:
    async def ask() -> None:
        await model().ainvoke("secret words")
        async for _ in model().astream("secret words"):
            pass

    asyncio.run(ask())  # once: LangChain keeps one connection pool for all its models


def chain_streamed() -> None:
    assert "".join(str(chunk.content) for chunk in model().stream("secret words")) == "Hello."


def chain_of_an_agent_with_tools() -> None:
    create_agent(model(), [weather], name="helper").invoke(ASKED)


def chain_of_a_graph() -> None:
    graph = StateGraph(MessagesState)
    graph.add_node("ask", lambda state: {"messages": [model().invoke(state["messages"])]})
    graph.add_edge(START, "ask")
    graph.add_edge("ask", END)
    graph.compile(name="flow").invoke(ASKED)


def chain_embedded() -> None:
    embeddings = OpenAIEmbeddings(
        model="text-embedding-3-small", base_url=stub.base_url, api_key="test", check_embedding_ctx_length=False
    )
    embeddings.embed_query("secret words")


MODES = tuple(mode for name, mode in list(globals().items()) if name.startswith("chain"))
