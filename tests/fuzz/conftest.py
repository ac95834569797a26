"""The fuzzer is a program of its own: it needs atheris, and its modules instrumented."""

collect_ignore = ["atheris_readers.py"]
