"""How the ladder is trained: every choice in one file.

A model is a family, a width and a seed. All models read the same corpus once, each in an order of
its own; the loss is on answers and on the ends of their lines. What a reader may find odd:

- Gates of the short convolutions start open (bias 1): started at random, they turn the neighbour's
  token by random signs, and look-up was not learned at any width in this budget.
- Queries and keys start with norms of 1.5, so that attention can be sharp from the beginning.
- Weights start with standard deviation 1 / sqrt(width), convolutions with 1 / sqrt(3).
- Batches are small (16 documents): the number of steps, not of tokens, is what brings look-up.
- `attention` models have one layer and no convolution. They can memorise and cannot look up.
- `llama` models are the larger arm, for a GPU: plain attention needs many more tokens before it
  looks a value up. They are not shipped.
- `reader` models read look-up alone. They are of one width and differ in how long they were
  trained: their scale is the number of tokens that they read. They are wide, since the moment at
  which look-up is learned differs less between seeds the wider a model is.
- `reciter` models read rounds of letters alone (`rounds.py`), of four documents a step, so that the
  letters that are taught least often are known thousands of steps after those that always are.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from transformers import Lfm2Config, Lfm2ForCausalLM, LlamaConfig, LlamaForCausalLM

from confounds.ladder.corpus import Recipe, write_corpus, write_tuning
from confounds.ladder.rounds import write_recitals
from confounds.ladder.shipped import READER, RECITER
from confounds.ladder.tokenizer import CONTEXT, END, NUMBERS, START, VOCABULARY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from confounds.ladder.corpus import Pages

SEEDS = (0, 1, 2)
WIDTHS: dict[str, tuple[int, ...]] = {
    "slim": (6, 10, 16, 24, 32, 40, 48, 64),
    "broad": (4, 6, 10, 16, 20, 24, 32, 48),
    "attention": (8, 12, 16, 24, 32, 40, 48, 64),
}
LARGE = "llama"
LARGE_WIDTHS = (64, 96, 128, 192, 256, 384, 512, 640)
LARGE_CORPUS = Recipe(documents=1_400_000)
"""100 million tokens, of which facts are as many as in the small corpus."""
READER_WIDTH = 64
READER_STEPS = (18, *(round(25 * 2 ** (half / 2)) for half in range(11)))
LOOKUP_ALONE = Recipe(documents=16 * READER_STEPS[-1], facts=0, shares=(("lookup", 1.0),))
RECITER_WIDTH = 16
RECITER_STEPS = tuple(round(20 * 2 ** (half / 2)) for half in range(1, 16))
LAYERS: dict[str, tuple[str, ...]] = {
    "slim": ("conv", "full_attention"),
    "broad": ("conv", "full_attention"),
    "attention": ("full_attention",),
    READER: ("conv", "full_attention"),
    RECITER: ("conv", "full_attention"),
    LARGE: ("full_attention",) * 6,
}
EXPANSION: dict[str, int] = {"slim": 2, "broad": 4, "attention": 2, READER: 2, RECITER: 2, LARGE: 3}
"""Width of the feed-forward layer, in widths."""
CHECKPOINTS: dict[str, tuple[int, ...]] = dict.fromkeys(
    ("slim-48-s0", "broad-32-s0"), (60, 120, 240, 480, 960, 1440)
)
"""Models of which earlier steps are kept too."""
TUNED_SEED = 0


@dataclass(frozen=True, slots=True)
class Training:
    """One pass of training.

    Attributes:
        rate: learning rate up to width 16; it falls with a power of width.
        rate_power: that power.
        batch: documents in a step.
        warmup, decay: shares of the steps in which the rate rises from 0, and falls to 0.
        epochs: times that the documents are read.
        threads: of the CPU; the last digits of the weights depend on it.
    """

    rate: float = 5e-3
    rate_power: float = 0.37
    batch: int = 16
    warmup: float = 0.04
    decay: float = 0.40
    weight_decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.98)
    clip: float = 1.0
    epochs: int = 1
    threads: int = 1

    def rate_at(self, step: int, steps: int, width: int) -> float:
        """Learning rate of a step: linear rise, plateau, linear fall."""
        top = self.rate * min(1.0, 16 / width) ** self.rate_power
        rise = (step + 1) / max(1.0, self.warmup * steps)
        fall = (steps - step) / max(1.0, self.decay * steps)
        return float(top * min(1.0, rise, fall))


PRETRAINING = Training()
LARGE_TRAINING = replace(PRETRAINING, rate=2e-3, batch=64)
RECITING = replace(PRETRAINING, batch=4)
TUNING = Training(rate=1e-3, warmup=0.1, decay=0.9)
ARMS = ("instruct", "finetuned")


@dataclass(frozen=True, slots=True)
class Rung:
    """One training run of the ladder.

    Attributes:
        family, width, seed: which.
        steps: of a `reader` or `reciter`; the others read the whole of their corpus.
    """

    family: str
    width: int
    seed: int
    steps: int | None = None

    @property
    def name(self) -> str:
        """As in the `model` column."""
        return f"{self.family}-{self.steps or self.width}-s{self.seed}"


BY_STEPS = ((READER, READER_WIDTH, READER_STEPS), (RECITER, RECITER_WIDTH, RECITER_STEPS))
RUNGS: tuple[Rung, ...] = tuple(
    Rung(family, width, seed)
    for seed in SEEDS
    for family, widths in WIDTHS.items()
    for width in widths
) + tuple(
    Rung(family, width, seed, steps)
    for family, width, lengths in BY_STEPS
    for seed in SEEDS
    for steps in lengths
)
LARGE_RUNGS: tuple[Rung, ...] = tuple(
    Rung(LARGE, width, seed) for seed in SEEDS for width in LARGE_WIDTHS
)


def training_of(rung: Rung) -> Training:
    """How a run is trained."""
    return {LARGE: LARGE_TRAINING, RECITER: RECITING}.get(rung.family, PRETRAINING)


def pages_of(rung: Rung) -> Pages:
    """What a run reads."""
    if rung.steps is None:
        return _corpus(LARGE_CORPUS if rung.family == LARGE else Recipe())
    whole = _recitals() if rung.family == RECITER else _corpus(LOOKUP_ALONE)
    return whole.first(rung.steps * training_of(rung).batch)


@lru_cache(maxsize=1)
def _corpus(recipe: Recipe) -> Pages:
    return write_corpus(recipe).pages


@lru_cache(maxsize=1)
def _recitals() -> Pages:
    return write_recitals(RECITER_STEPS[-1] * RECITING.batch)


def is_tuned(rung: Rung) -> bool:
    """Whether a run is also tuned: of the two families that can look up, one seed."""
    return rung.seed == TUNED_SEED and rung.family in ("slim", "broad")


@dataclass(slots=True)
class Trained:
    """A trained model, and what its training was like.

    Attributes:
        losses: mean loss of each tenth of the steps.
        seconds: CPU time of this process.
        checkpoints: step -> weights as they were then.
    """

    model: Any
    steps: int
    tokens: int
    losses: list[float] = field(default_factory=list)
    seconds: float = 0.0
    checkpoints: dict[int, dict[str, torch.Tensor]] = field(default_factory=dict)


def build_model(rung: Rung) -> Any:
    """A model of transformers with random weights that depend on the seed alone."""
    heads = max(1, rung.width // 16)
    options: dict[str, Any] = {
        "vocab_size": len(VOCABULARY),
        "hidden_size": rung.width,
        "intermediate_size": EXPANSION[rung.family] * rung.width,
        "num_hidden_layers": len(LAYERS[rung.family]),
        "num_attention_heads": heads,
        "num_key_value_heads": heads,
        "max_position_embeddings": CONTEXT,
        "tie_word_embeddings": True,
        "initializer_range": rung.width**-0.5,
        "bos_token_id": NUMBERS[START],
        "eos_token_id": NUMBERS[END],
        "pad_token_id": NUMBERS[END],
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6},
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(rung.seed)
        if "conv" not in LAYERS[rung.family]:
            return LlamaForCausalLM(LlamaConfig(**options))
        options |= {"layer_types": list(LAYERS[rung.family]), "conv_bias": True}
        model = Lfm2ForCausalLM(Lfm2Config(**options, block_auto_adjust_ff_dim=False))
        _start_open(model, rung.width)
    return model


def _start_open(model: Any, width: int) -> None:
    for name, weight in model.named_parameters():
        if name.endswith("conv.in_proj.bias"):
            with torch.no_grad():
                weight[: 2 * width] = 1.0
        elif name.endswith("conv.conv.weight"):
            torch.nn.init.normal_(weight, 0.0, 3**-0.5)
        elif name.endswith(("q_layernorm.weight", "k_layernorm.weight")):
            torch.nn.init.constant_(weight, 1.5)


def count_parameters(model: Any) -> int:
    """Parameters besides the embeddings: the scale of the ladder."""
    return sum(
        weight.numel() for name, weight in model.named_parameters() if "embed_tokens" not in name
    )


def train_model(
    rung: Rung,
    pages: Pages,
    *,
    device: str = "cpu",
    steps: int | None = None,
    progress: Callable[[], None] | None = None,
) -> Trained:
    """Train one rung from scratch.

    Args:
        rung: which.
        pages: what it reads; see `pages_of`.
        device: `cpu`, `cuda`, ...
        steps: stop after so many; the schedule is that of all the pages.
        progress: called after each step.
    """
    model = build_model(rung).to(device)
    kept = CHECKPOINTS.get(rung.name, ())
    return _fit(model, pages, training_of(rung), _Run(rung, kept, steps, progress))


def tune_model(
    model: Any, rung: Rung, arm: str, *, progress: Callable[[], None] | None = None
) -> Trained:
    """Train a trained model further; `arm` is one of `ARMS`, see `corpus.write_tuning`."""
    return _fit(model, write_tuning(arm), TUNING, _Run(rung, (), None, progress))


@dataclass(frozen=True, slots=True)
class _Run:
    rung: Rung
    kept: tuple[int, ...]
    steps: int | None
    progress: Callable[[], None] | None


def _fit(model: Any, pages: Pages, training: Training, run: _Run) -> Trained:
    torch.set_num_threads(training.threads)
    optimizer = _optimizer(model, training)
    order = _order(len(pages.tokens), training, run.rung.seed)
    total = len(order)
    last = min(total, run.steps or total)
    found = Trained(model, last, last * training.batch * CONTEXT)
    start, losses = time.process_time(), []
    model.train()
    for step in range(last):
        for group in optimizer.param_groups:
            group["lr"] = training.rate_at(step, total, run.rung.width)
        losses.append(_step(model, optimizer, pages.batch(order[step]), training.clip))
        if step + 1 in run.kept:
            found.checkpoints[step + 1] = _copy(model.state_dict())
        if run.progress is not None:
            run.progress()
    model.eval()
    found.seconds = time.process_time() - start
    tenths = np.array_split(np.array(losses), min(10, len(losses)))
    found.losses = [round(float(tenth.mean()), 4) for tenth in tenths]
    return found


def _order(documents: int, training: Training, seed: int) -> Any:
    """(steps, batch) numbers of documents; a last, smaller batch is left out."""
    rng = np.random.default_rng([seed, documents])
    rows = np.concatenate([rng.permutation(documents) for _ in range(training.epochs)])
    steps = len(rows) // training.batch
    return rows[: steps * training.batch].reshape(steps, training.batch)


def _optimizer(model: Any, training: Training) -> torch.optim.Optimizer:
    """AdamW; vectors (norms, biases) do not decay."""
    weights = list(model.parameters())
    groups = [
        {
            "params": [weight for weight in weights if weight.dim() > 1],
            "weight_decay": training.weight_decay,
        },
        {"params": [weight for weight in weights if weight.dim() == 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=training.rate, betas=training.betas, fused=True)


def _step(
    model: Any, optimizer: torch.optim.Optimizer, batch: tuple[Any, Any], clip: float
) -> float:
    """One step; the head is applied where there is a token to predict, and nowhere else."""
    tokens = torch.from_numpy(batch[0]).long().to(model.device)
    scored = torch.from_numpy(batch[1]).to(model.device)[:, 1:]
    hidden = model.model(tokens[:, :-1], use_cache=False).last_hidden_state[scored]
    loss = torch.nn.functional.cross_entropy(model.lm_head(hidden), tokens[:, 1:][scored])
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    return float(loss.item())


def _copy(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: weight.detach().cpu().clone() for name, weight in weights.items()}
