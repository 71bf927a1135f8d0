"""What VideoConviction's authors print, for context: macro-F1 in percent on whole videos, as published.

Galarnyk et al., KDD 2025 (doi 10.1145/3711896.3737417): their evaluation notebook's rows for models that are given the
transcript alone, on their own gold set with their own prompt.
"""

PAPER: tuple[tuple[str, float, float, float], ...] = (
    ("Claude 3.5 Sonnet", 65.32, 43.38, 22.54),
    ("Claude 3.5 Haiku", 56.94, 40.66, 19.75),
    ("DeepSeek-V3", 64.91, 47.10, 23.65),
    ("DeepSeek-R1", 63.89, 45.81, 21.29),
    ("Qwen2.5 72B", 65.65, 47.42, 19.65),
    ("Llama 3.1 405B", 62.83, 45.82, 22.67),
    ("Gemini 2.0 Pro", 60.75, 44.59, 18.63),
    ("GPT-4o", 57.43, 37.64, 15.35),
)
"""Model, T, TA, TAC."""
