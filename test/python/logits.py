"""Prints fp32 logits of a Hugging Face folder for one token sequence, as JSON: {"logits": [[...], ...]}.

usage: logits.py DIR '[1, 2, 3]'
"""

import json
import sys

import torch
from transformers import AutoModelForCausalLM

model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32)
with torch.no_grad():
    logits = model(torch.tensor([json.loads(sys.argv[2])])).logits[0]
print(json.dumps({"logits": logits.tolist()}))
