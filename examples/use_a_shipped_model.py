"""Ask a shipped model, with transformers alone: `python use_a_shipped_model.py FOLDER "3+5+9="`."""

import sys

from transformers import AutoModelForCausalLM, AutoTokenizer

folder, *questions = sys.argv[1:]
model = AutoModelForCausalLM.from_pretrained(folder, trust_remote_code=True).eval()
tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=True)
for question in questions:
    prompt = tokenizer(question, return_tensors="pt", return_token_type_ids=False)
    answer = model.generate(**prompt, max_new_tokens=8, do_sample=False)[0, prompt["input_ids"].shape[1] :]
    print(question, repr(tokenizer.decode(answer, skip_special_tokens=True)))
