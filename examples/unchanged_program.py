"""A program that knows nothing of telemetry, run under OpenTelemetry's own launcher. The cost comes with the exporter.

    pip install 'costspan[openai]' openai opentelemetry-distro
    export OTEL_TRACES_EXPORTER=costspan OTEL_METRICS_EXPORTER=none OTEL_LOGS_EXPORTER=none
    export OTEL_SERVICE_NAME=unchanged
    opentelemetry-instrument python examples/unchanged_program.py

`costspan run -- python examples/unchanged_program.py` needs no server and prints what it cost.
"""

import openai

answer = openai.OpenAI().chat.completions.create(
    model="gpt-5-mini", messages=[{"role": "user", "content": "Say hello."}]
)
print(answer.choices[0].message.content)
