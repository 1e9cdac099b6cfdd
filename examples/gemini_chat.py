"""A call of Gemini, whole and streamed. Run it with a key in GEMINI_API_KEY.

pip install 'costspan[google]' google-genai
"""

from google import genai

import costspan

costspan.configure(service_name="gemini-chat")
client = genai.Client()

with costspan.attribute(feature="chat"):
    print(client.models.generate_content(model="gemini-2.5-flash", contents="Name a colour.").text)

with costspan.attribute(feature="streamed_chat"):
    for piece in client.models.generate_content_stream(model="gemini-2.5-flash", contents="Name three colours."):
        print(piece.text, end="")
print()
