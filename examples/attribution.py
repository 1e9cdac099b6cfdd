"""What does a feature cost? Run it with a key in OPENAI_API_KEY: `python examples/attribution.py`.

Needs `pip install 'costspan[openai]' openai`, and `costspan serve` on this machine to see the result.
"""

import openai

import costspan

costspan.configure(service_name="shop", environment="dev")
client = openai.OpenAI()


@costspan.attribute(feature="document_summary", team="docs")
def summarise(text: str, user_id: str) -> str:
    """Return a summary; the call is attributed to the feature, its team and, as a hash, the user."""
    with costspan.attribute(user_id=user_id):
        answer = client.responses.create(model="gpt-5-mini", input=f"Summarise: {text}")
    return answer.output_text


if __name__ == "__main__":
    print(summarise("OpenTelemetry names what a program does. A ledger says what it costs.", user_id="u-42"))
