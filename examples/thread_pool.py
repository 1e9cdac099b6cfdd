"""Calls from a pool of threads, each for its own user. Run it with a key in OPENAI_API_KEY.

A scope of `attribute` belongs to the thread it was entered in. So enter it in the function that runs in the pool, or,
as a decorator, around it.

    pip install 'costspan[openai]' openai
"""

from concurrent.futures import ThreadPoolExecutor

import openai

import costspan

costspan.configure(service_name="thread-pool")
client = openai.OpenAI()  # its clients may be shared among threads
REVIEWS = {"ada": "Fast delivery.", "grace": "The box was damaged.", "alan": "Would buy again."}


def sentiment(user_id: str, review: str) -> str:
    """Return what a user's review feels like."""
    with costspan.attribute(feature="sentiment", user_id=user_id):
        answer = client.chat.completions.create(
            model="gpt-5-nano", messages=[{"role": "user", "content": f"Positive or negative? {review}"}]
        )
    return answer.choices[0].message.content or ""


with ThreadPoolExecutor(max_workers=3) as pool:
    for user_id, feeling in zip(REVIEWS, pool.map(sentiment, REVIEWS, REVIEWS.values()), strict=True):
        print(user_id, feeling)
