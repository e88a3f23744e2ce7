"""Claims about two abstracts, judged by a person: what is verbatim, what is true, and what is false in which way."""

from __future__ import annotations

from rag.types import Paper

MINFERENCE = Paper(
    "2407.02490",
    "MInference 1.0: Accelerating Pre-filling for Long-Context LLMs via Dynamic Sparse Attention",
    "The computational challenges of LLM inference remain a significant barrier to widespread deployment, especially "
    "as prompt lengths continue to increase. It takes 30 minutes for an 8B LLM to process a prompt of 1M tokens on a "
    "single A100 GPU. Existing methods for speeding up pre-filling often fail to maintain acceptable accuracy. We "
    "introduce MInference, a sparse calculation method designed to accelerate pre-filling of long sequences. "
    "MInference reduces inference latency by up to 10x for pre-filling on an A100, while maintaining accuracy.",
    date="2024-07-02",
)
TUNING = Paper(
    "t1",
    "Aligning Reasoners by Balancing Imitation and Exploration",
    "We study how supervised fine-tuning and reinforcement learning interact. AMFT outperforms GRPO on mathematical "
    "reasoning by 3.2 points. Output quality rises at first and then drops as the number of passages grows. The method "
    "does not improve results on short inputs. We train on 8,000 examples and evaluate on 450 questions. Accuracy "
    "increases from 61.2% to 68.9% on the held-out questions. Training takes 3 hours on 4 GPUs with a learning rate of "
    "10^{-5}. Removing the controller may hurt the stability of training. LoRA is slower than S²FT on every model. SFT "
    "memorizes the training data, while RL generalizes to unseen rules. The trial enrolled 124 patients and 36 "
    "healthy volunteers. Scores correlate with human ratings, but they do not predict clinical outcomes.",
    date="2025-08-09",
)
PAPERS = (MINFERENCE, TUNING)

# A collection around them, and a question that it answers.
CORAL = Paper("coral", "Coral reefs in warm water", "Reefs bleach in warm water. Fish leave the reefs.", date="2020")
SEPSIS = Paper("sepsis", "Sepsis in hospitals", "Early antibiotics help patients with sepsis. Delay costs lives.")
COLLECTION = (CORAL, MINFERENCE, SEPSIS, TUNING)
QUESTION = "By how much does MInference reduce inference latency for pre-filling?"

VERBATIM = (
    "MInference reduces inference latency by up to 10x for pre-filling on an A100, while maintaining accuracy.",
    "It takes 30 minutes for an 8B LLM to process a prompt of 1M tokens on a single A100 GPU.",
    "AMFT outperforms GRPO on mathematical reasoning by 3.2 points.",
    "The method does not improve results on short inputs.",
    "Removing the controller may hurt the stability of training.",
    "LoRA is slower than S²FT on every model.",
    "We train on 8,000 examples and evaluate on 450 questions.",
    "Scores correlate with human ratings, but they do not predict clinical outcomes.",
    # Typing differs, words do not.
    "minference reduces inference latency by up to 10× for pre-filling on an A100, while maintaining accuracy",
    "LoRA is slower than S^{2}FT on every model.",
)

PARAPHRASED = (
    "Pre-filling with MInference on an A100 has its inference latency reduced by up to 10x.",
    "On mathematical reasoning, AMFT outperforms GRPO by 3.2 points.",
    "450 questions are evaluated after training on 8,000 examples.",
    "On the held-out questions, accuracy increases from 61.2 percent to 68.9 percent.",
    "Processing a prompt of 1M tokens takes an 8B LLM 30 minutes on a single A100 GPU.",
    "The trial enrolled 124 patients as well as 36 healthy volunteers.",
)

FALSE = {
    "wrong number": (
        "MInference reduces inference latency by up to 20x for pre-filling on an A100, while maintaining accuracy.",
        "AMFT outperforms GRPO on mathematical reasoning by 32 points.",
        "Accuracy increases from 61.2% to 86.9% on the held-out questions.",
        "We train on 80,000 examples and evaluate on 450 questions.",
        "It takes 30 minutes for an 70B LLM to process a prompt of 1M tokens on a single A100 GPU.",
        "Training takes 3 hours on 4 GPUs with a learning rate of 10^{-3}.",
        "It takes thirteen minutes for an 8B LLM to process a prompt of 1M tokens on a single A100 GPU.",
    ),
    "wrong unit": (
        "It takes 30 seconds for an 8B LLM to process a prompt of 1M tokens on a single A100 GPU.",
        "It takes 30 minutes for an 8B LLM to process a prompt of 1B tokens on a single A100 GPU.",
        "MInference reduces inference latency by up to 10% for pre-filling on an A100, while maintaining accuracy.",
        "Training takes 3 days on 4 GPUs with a learning rate of 10^{-5}.",
        "AMFT outperforms GRPO on mathematical reasoning by 3.2x.",
    ),
    "swapped names": (
        "GRPO outperforms AMFT on mathematical reasoning by 3.2 points.",
        "S²FT is slower than LoRA on every model.",
        "RL memorizes the training data, while SFT generalizes to unseen rules.",
        "AMFT is outperformed by GRPO on mathematical reasoning by 3.2 points.",
    ),
    "other name": (
        "FlashAttention reduces inference latency by up to 10x for pre-filling on an A100, while maintaining accuracy.",
        "MInference reduces inference latency by up to 10x for pre-filling on an H100, while maintaining accuracy.",
        "AMFT outperforms PPO on mathematical reasoning by 3.2 points.",
    ),
    "negation": (
        "MInference does not reduce inference latency for pre-filling on an A100.",
        "The method improves results on short inputs.",
        "Existing methods for speeding up pre-filling maintain acceptable accuracy.",
        "Scores correlate with human ratings, and they predict clinical outcomes.",
        "Scores do not correlate with human ratings, but they predict clinical outcomes.",
        "MInference reduces inference latency by up to 10x on an A100, without maintaining accuracy.",
        "LoRA is not slower than S²FT on every model.",
    ),
    "opposite direction": (
        "MInference increases inference latency by up to 10x for pre-filling on an A100, while maintaining accuracy.",
        "Accuracy decreases from 61.2% to 68.9% on the held-out questions.",
        "LoRA is faster than S²FT on every model.",
        "Output quality drops at first and then rises as the number of passages grows.",
        "Accuracy increases from 68.9% to 61.2% on the held-out questions.",
    ),
    "hedge dropped": (
        "Removing the controller hurts the stability of training.",
        "Removing the controller will hurt the stability of training.",
    ),
    "number of something else": (
        "We train on 450 examples and evaluate on 8,000 questions.",
        "Training takes 4 hours on 3 GPUs with a learning rate of 10^{-5}.",
        "The trial enrolled 36 patients and 124 healthy volunteers.",
        "MInference reduces inference latency by 30 minutes for pre-filling on an A100.",
    ),
    "one word changed": (
        "MInference reduces inference latency by up to 10x for decoding on an A100, while maintaining accuracy.",
        "We introduce MInference, a dense calculation method designed to accelerate pre-filling of long sequences.",
        "AMFT outperforms GRPO on commonsense reasoning by 3.2 points.",
        "MInference reduces training latency by up to 10x for pre-filling on an A100, while maintaining accuracy.",
        "MInference reduces inference latency by at least 10x for pre-filling on an A100, while maintaining accuracy.",
    ),
    "not said at all": (
        "MInference was released by researchers at Microsoft under an open licence.",
        "Patients with diabetes recovered sooner after treatment.",
        "The controller of MInference balances imitation and exploration on an A100.",
    ),
    "fragment": (
        "10x faster.",
        "MInference.",
        "Pre-filling on an A100:",
        "Does MInference reduce inference latency for pre-filling on an A100?",
        "[1] [2].",
    ),
}
