"""Asks a question every ten seconds, and prints the answer as it comes.

The SDK takes the address from OPENAI_BASE_URL and the key from OPENAI_API_KEY: nothing here names a provider.
"""

import os
import signal
import threading

import openai

ending = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: ending.set())

client = openai.OpenAI()
while not ending.is_set():
    try:
        stream = client.chat.completions.create(
            model=os.environ["MODEL"],
            messages=[{"role": "user", "content": "In one sentence: what does a remora do for a shark?"}],
            stream=True,
        )
        for chunk in stream:
            for choice in chunk.choices:
                print(choice.delta.content or "", end="", flush=True)
        print(flush=True)
    except openai.APIError as problem:
        print(f"no answer: {problem}", flush=True)
    ending.wait(10)
