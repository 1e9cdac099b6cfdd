"""What does a task of an agent cost? All its calls, under one feature. Run it with a key in OPENAI_API_KEY.

pip install 'costspan[openai,langchain]' langchain langchain-openai
costspan trace TRACE_ID                # the agent, its tools and its model calls as a tree, each with its cost
"""

from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

import costspan

costspan.configure(service_name="langchain-agent")


@tool
def stock_of(product: str) -> int:
    """Return how many pieces of a product are in stock."""
    return len(product)


agent = create_agent(ChatOpenAI(model="gpt-5-mini"), [stock_of], name="stock_keeper")

# The model is asked twice, once before the tool and once after it. LangChain and the client below it both record each
# call; it is paid for once.
with costspan.attribute(feature="stock_question"):
    told = agent.invoke({"messages": [{"role": "user", "content": "How many lamps do we have?"}]})
print(told["messages"][-1].content)
