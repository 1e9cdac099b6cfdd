"""A program to try `costspan run` on, without a key: `costspan run -- python examples/against_the_stub.py`.

It talks to the stub provider: real prices, no bill. Needs `pip install 'costspan[openai]' openai`.
"""

import openai

from costspan.testing.stub_provider import StubProvider, StubUsage

with StubProvider(usage=StubUsage(input_tokens=2600, cached_tokens=2000, output_tokens=300)) as provider:
    client = openai.OpenAI(base_url=provider.base_url, api_key="unused")
    for model in ("gpt-5", "gpt-5-mini", "model-of-our-own"):
        client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Hello"}])
