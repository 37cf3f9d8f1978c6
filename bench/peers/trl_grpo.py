"""One GRPO step of TRL's GRPOTrainer, its own generation included, with a trivial reward.

Rows end where the workload says: a logits processor leaves only the end-of-sequence token at a row's drawn length and forbids it before, so
that both sides sample and train the same number of tokens. Prompts are given as text of a word-level vocabulary that encodes to the
workload's ids. Settings are its fastest for this size: micro-batches of at most 16 rows, no
checkpointing, no reference model, no logging.
"""

import os
import sys
import time

import side

MICRO_BATCH = 16


def word_tokenizer(vocabulary_size, end):
    """Text `<7> <12>` ↔ ids 7 12."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = {f"<{index}>": index for index in range(vocabulary_size)}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<0>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=f"<{end}>", pad_token="<0>", unk_token="<0>", padding_side="left"
    )


def main(process):
    workload = process.workload
    import torch
    import transformers
    import trl
    from datasets import Dataset
    from datasets.table import InMemoryTable
    from transformers import LogitsProcessor, LogitsProcessorList, TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    transformers.logging.set_verbosity_error()
    model = side.load_model(workload)
    end = 1
    model.config.eos_token_id = model.generation_config.eos_token_id = end
    model.generation_config.pad_token_id = 0
    lengths = torch.tensor(workload["lengths"], device=workload["device"])
    prompts, n = workload["prompts"], workload["n"]
    prompt_length = len(prompts[0])

    class EndAtLength(LogitsProcessor):
        """In the warm-up it also keeps the log-probability each token was sampled with."""

        def __call__(self, input_ids, scores):
            made = input_ids.shape[1] - prompt_length
            if state["sampled"] is not None:
                if made > 0:
                    state["sampled"].append(state["scores"].gather(1, input_ids[:, -1:])[:, 0])
                state["scores"] = torch.log_softmax(scores.float(), -1)
            over = (made >= lengths - 1).unsqueeze(1)
            is_end = torch.arange(scores.shape[1], device=scores.device).unsqueeze(0) == end
            return scores.masked_fill(is_end != over, float("-inf"))

    generate = model.generate

    def generate_with_lengths(*args, **kwargs):
        start = time.perf_counter()
        output = generate(*args, logits_processor=LogitsProcessorList([EndAtLength()]), **kwargs)
        state["generateSeconds"] = time.perf_counter() - start
        state["tokens"] = sum(workload["lengths"])
        state["completions"] = output[:, prompt_length:]
        if output.shape[1] != prompt_length + max(workload["lengths"]):
            raise RuntimeError("rows did not end at their lengths")
        return output

    model.generate = generate_with_lengths
    state = {"sampled": None, "trained": []}

    class Stepper(TrainerCallback):
        """Holds the training loop until the benchmark asks for the next step."""

        def on_step_begin(self, args, trainer_state, control, **kwargs):
            request = process.next_request()
            if request is None:
                process.replies.flush()
                os._exit(0)
            state["sampled"] = [] if request.get("warmUp") else None
            state["trained"] = []
            side.synchronize(workload["device"])
            state["start"] = time.perf_counter()

        def on_step_end(self, args, trainer_state, control, **kwargs):
            side.synchronize(workload["device"])
            seconds = time.perf_counter() - state["start"]
            extra = {"mismatch": mismatch()} if state["sampled"] else {}
            generate = state["generateSeconds"]
            process.reply(
                seconds=seconds,
                tokens=state["tokens"],
                phases={"generateSeconds": generate, "trainSeconds": seconds - generate},
                **extra,
                **side.memory(),
            )

    def mismatch():
        """Sampled against trained log-probabilities, without a row's last token, which the workload forced."""
        sampled = torch.stack(state["sampled"], 1)
        # The trainer shuffles the rows it trains on: find each by its first tokens.
        ids = torch.cat([part for part, _ in state["trained"]])
        trained = torch.cat([part for _, part in state["trained"]])
        shortest = min(workload["lengths"]) - 1
        order = {tuple(row[:shortest]): index for index, row in enumerate(ids.tolist())}
        rows = [order[tuple(row[:shortest])] for row in state["completions"].tolist()]
        trained = trained[rows][:, : sampled.shape[1]].to(sampled.device)
        columns = torch.arange(sampled.shape[1], device=sampled.device)
        kept = columns.unsqueeze(0) < (lengths - 1).unsqueeze(1)
        difference = (trained - sampled)[kept].double()
        ratio = difference.exp()
        absolute = difference.abs()
        return {
            "mean": absolute.mean().item(),
            "p99": absolute.quantile(0.99).item(),
            "outside": ((ratio < 0.9) | (ratio > 1.1)).double().mean().item(),
        }

    rows = len(prompts) * n
    # More rows at once are no faster (measured on two cores with 16, 32, 64 and 128) and need more memory.
    micro_batch = next(size for size in range(min(rows, MICRO_BATCH), 0, -1) if rows % size == 0)
    config = GRPOConfig(
        output_dir=os.path.join(os.path.dirname(sys.argv[1]), "trl"),  # goes with the benchmark's folder
        per_device_train_batch_size=micro_batch,
        gradient_accumulation_steps=rows // micro_batch,
        num_generations=n,
        max_completion_length=max(workload["lengths"]),
        temperature=1.0,
        top_k=0,
        top_p=1.0,
        beta=0.0,
        loss_type="grpo",
        learning_rate=workload["learningRate"],
        lr_scheduler_type="constant",
        bf16=workload.get("autocast", False),
        use_cpu=workload["device"] == "cpu",
        gradient_checkpointing=False,
        shuffle_dataset=False,
        max_steps=100000,
        logging_strategy="no",
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        dataloader_num_workers=0,
        dataloader_pin_memory=False,
        seed=1,
    )
    texts = [" ".join(f"<{token}>" for token in prompt) for prompt in prompts]
    # A given fingerprint spares hashing the table, which fails with some versions of pyarrow.
    dataset = Dataset(InMemoryTable.from_pydict({"prompt": texts}), fingerprint="tool-r0-bench")
    trainer = GRPOTrainer(
        model=model,
        # Rewards only have to differ within a group.
        reward_funcs=lambda completions, **_: [float(index % 2) for index in range(len(completions))],
        args=config,
        train_dataset=dataset,
        processing_class=word_tokenizer(model.config.vocab_size, end),
        callbacks=[Stepper()],
    )
    logps = trainer._get_per_token_logps_and_entropies

    def kept_logps(model, input_ids, attention_mask, logits_to_keep, *args, **kwargs):
        output = logps(model, input_ids, attention_mask, logits_to_keep, *args, **kwargs)
        if state["sampled"] is not None:
            state["trained"].append((input_ids[:, -logits_to_keep:], output[0].detach().float()))
        return output

    trainer._get_per_token_logps_and_entropies = kept_logps
    side.reset_peak()
    # Parameters, gradients and AdamW's two moments, each in the dtype of the parameters.
    held = sum(parameter.numel() * parameter.element_size() * 4 for parameter in model.parameters())
    process.reply(
        ready=True, version=trl.__version__, baseResidentBytes=side.peak_resident_bytes(), stateBytes=held
    )
    trainer.train()


side.run(main)
