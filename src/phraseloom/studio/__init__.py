"""The studio: a service on this machine that keeps songs, queues what the model is to write, and serves the page.

`docs/studio.md` is its contract. Only the worker process (`worker.py`, `writing.py`) loads the model.
"""
