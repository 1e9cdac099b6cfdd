"""A message and a streamed one with the Anthropic client. Run it with a key in ANTHROPIC_API_KEY.

pip install 'costspan[anthropic]' anthropic
"""

import anthropic

import costspan

costspan.configure(service_name="anthropic-chat")
client = anthropic.Anthropic()
question = [{"role": "user", "content": "What is a ledger? One sentence."}]

with costspan.attribute(feature="chat"):
    answer = client.messages.create(model="claude-haiku-4-5", max_tokens=200, messages=question)
    print(answer.content[0].text)

with (
    costspan.attribute(feature="streamed_chat"),
    client.messages.stream(model="claude-haiku-4-5", max_tokens=200, messages=question) as stream,
):
    for piece in stream.text_stream:
        print(piece, end="")
print()
