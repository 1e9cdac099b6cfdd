"""Who may send, how much, and in which encoding; hands bodies to the pipeline and answers as OTLP prescribes."""
