#!/usr/bin/env python3
"""Writes Sources/Policy/CatalogueText.swift: which kinds of provider serve which models, what they cost, what they can.

    python -m venv V && V/bin/pip install -r Tests/Catalogue/requirements.txt && V/bin/pip download --no-deps litellm==1.110.2 -d D
    V/bin/python Tests/Catalogue/generate.py D/litellm-1.110.2-*.whl [--differences]

Two sources are read: the price file in LiteLLM's wheel (MIT), and genai-prices (MIT). Facts are taken over (numbers,
names, dates), no descriptions. A row on whose prices both agree stands as it is; one that only LiteLLM has, or on which
they differ, is marked `?`: it meters, but it doesn't decide which provider is the cheapest. `--differences` prints
those on which they differ. The format of the rows is described in the head that is written here.
"""

import datetime
import json
import re
import sys
import zipfile
from decimal import Decimal
from pathlib import Path

import genai_prices
from genai_prices import data

KINDS = {
    "openai": ("openai", "", "openai"),
    "anthropic": ("anthropic", "", "anthropic"),
    "gemini": ("gemini", "gemini/", "google"),
    "vertex_ai-language-models": ("vertex", "", "google"),
    "vertex_ai-anthropic_models": ("vertex", "vertex_ai/", "anthropic"),
    "vertex_ai": ("vertex", "vertex_ai/", "google"),
    "bedrock": ("bedrock", "", "aws"),
    "bedrock_converse": ("bedrock", "", "aws"),
    "azure": ("azure", "azure/", "azure"),
    "cohere": ("cohere", "cohere/", "cohere"),
    "cohere_chat": ("cohere", "", "cohere"),
    "mistral": ("mistral", "mistral/", "mistral"),
    "groq": ("groq", "groq/", "groq"),
    "together_ai": ("together", "together_ai/", "together"),
    "fireworks_ai": ("fireworks", "fireworks_ai/", "fireworks"),
    "deepseek": ("deepseek", "deepseek/", "deepseek"),
    "xai": ("xai", "xai/", "x-ai"),
    "perplexity": ("perplexity", "perplexity/", "perplexity"),
}
MODES = {"chat": "c", "responses": "r", "embedding": "e", "completion": "t"}
FLAGS = [
    ("supports_vision", "v"), ("supports_pdf_input", "p"), ("supports_audio_input", "a"),
    ("supports_audio_output", "A"), ("supports_function_calling", "t"), ("supports_reasoning", "r"),
    ("supports_response_schema", "s"),
]
REGION = re.compile(r"^(us|us-gov|eu|global|apac|jp|au|ca|in|uk|sa)\.")
# Many hosts list whatever they once had; these are kept where a second source has them too.
WITNESSED = {"together", "fireworks", "azure", "bedrock"}
TODAY = datetime.date(2026, 11, 28)
NOON = datetime.datetime(2026, 11, 28, 12, tzinfo=datetime.timezone.utc)


def money(value):
    """US dollars a token as dollars a million tokens, without rounding noise; None where there is none."""
    if value is None:
        return None
    amount = (Decimal(repr(value)) * 10**6).quantize(Decimal("0.000001"))
    return amount.normalize()


def shown(amount):
    return format(amount, "f") if amount else "0"


def prices(row, suffix=""):
    get = lambda name: money(row.get(name + suffix))
    listed = [
        get("input_cost_per_token"), get("output_cost_per_token"), get("cache_read_input_token_cost"),
        get("cache_creation_input_token_cost"),
        money(row.get("cache_creation_input_token_cost_above_1hr" + suffix)
              or row.get("cache_creation_input_token_cost_above_12hr" + suffix)),
    ]
    # A cache that costs more than reading anew is a mistake of the source.
    if listed[2] is not None and listed[0] is not None and listed[2] > listed[0]:
        listed[2] = None
    if not listed[3]:
        listed[3] = listed[4] = None
    while len(listed) > 1 and listed[-1] is None:
        listed.pop()
    return listed


def written(listed):
    return ",".join("" if amount is None else shown(amount) for amount in listed)


def share(row, suffix):
    """What of the plain price is paid with `suffix`, in percent, where input and output agree on it."""
    plain, other = row.get("input_cost_per_token"), row.get("input_cost_per_token_" + suffix)
    if not plain or not other:
        return None
    percent = round(other / plain * 100)
    out, other_out = row.get("output_cost_per_token"), row.get("output_cost_per_token_" + suffix)
    if out and other_out and round(other_out / out * 100) != percent:
        return None
    return percent


def witness(provider, name):
    found = next((p for p in data.providers if p.id == provider), None)
    model = found.find_model(name) if found else None
    if model is None:
        return None
    listed = model.get_prices(NOON)
    base = lambda value: getattr(value, "base", value)
    return [base(listed.input_mtok), base(listed.output_mtok), base(listed.cache_read_mtok)]


def agrees(ours, theirs):
    """Whether two sources say the same of input, output and, where both speak of it, of what is cached."""
    for mine, other in zip(ours + [None] * 3, theirs):
        if mine is not None and other is not None and abs(mine - other) > Decimal("0.000001"):
            return False
    return theirs[0] is not None


def name_of(key, kind, prefix):
    if prefix and key.startswith(prefix):
        key = key[len(prefix):]
    elif prefix in ("vertex_ai/", "fireworks_ai/", "together_ai/", "groq/", "xai/", "mistral/", "gemini/", "azure/"):
        return None
    if kind == "bedrock" and ("/" in key or REGION.match(key)):
        return None
    if kind == "azure" and "/" in key:
        return None
    if kind == "fireworks" and not key.startswith("accounts/fireworks/models/"):
        return None
    if kind == "perplexity" and not key.startswith("sonar"):
        return None
    if kind == "vertex" and not key.startswith(("gemini", "claude", "text-embedding")):
        return None
    if re.search(r"^ft:|[\s\[\]>~=]|realtime|-tts|image|live|transcribe|search-preview|computer-use|veo|imagen|robotics", key):
        return None
    return key


def rows(wheel):
    with zipfile.ZipFile(wheel) as archive:
        listed = json.loads(archive.read("litellm/model_prices_and_context_window_backup.json"), parse_float=Decimal)
    found, differing = {}, []
    for key, row in listed.items():
        place = KINDS.get(row.get("litellm_provider"))
        mode = MODES.get(row.get("mode"))
        if not place or not mode:
            continue
        kind, prefix, provider = place
        name = name_of(key, kind, prefix)
        if name is None or row.get("input_cost_per_token") is None:
            continue
        row = {k: float(v) if isinstance(v, Decimal) else v for k, v in row.items()}
        ours = prices(row)
        theirs = witness(provider, name)
        verified = theirs is not None and agrees(ours, theirs)
        if theirs is not None and not verified:
            differing.append(f"{kind}/{name}: {written(ours)} against {theirs}")
        gone = row.get("deprecation_date")
        successor = row.get("successor_model") or ""
        if successor.startswith(prefix):
            successor = successor[len(prefix):]
        found[kind, name] = {
            "row": row, "mode": mode, "prices": ours, "verified": verified, "date": gone,
            "successor": successor, "known": theirs is not None,
        }
    return found, differing


def text(entry):
    row = entry["row"]
    flags = entry["mode"] + "".join(flag for key, flag in FLAGS if row.get(key))
    window = str(row.get("max_input_tokens") or "")
    ceiling = str(row.get("max_output_tokens") or "") if entry["mode"] != "e" else ""
    parts = [flags, f"{window}/{ceiling}", written(entry["prices"])]
    for suffix in sorted({m.group(1) for key in row if (m := re.fullmatch(r"input_cost_per_token_above_(\d+k)_tokens", key))},
                         key=lambda s: int(s[:-1])):
        tier = prices(row, f"_above_{suffix}_tokens")
        if len(tier) > 1 and all(a is None or b is None or a >= b for a, b in zip(tier, entry["prices"])):
            parts.append(f">{suffix}:{written(tier)}")
    heard, said = money(row.get("input_cost_per_audio_token")), money(row.get("output_cost_per_audio_token"))
    if heard:
        parts.append(f"a:{shown(heard)}" + (f",{shown(said)}" if said else ""))
    for suffix, mark, usual in [("batches", "b", 50), ("flex", "f", None), ("priority", "p", None)]:
        percent = share(row, suffix)
        if percent and percent != usual:
            parts.append(f"{mark}:{percent}")
    if entry["date"]:
        parts.append(f"x:{entry['date']}>{entry['successor']}")
    return " ".join(parts)


def kept(found):
    """The rows that are worth their bytes: what is served, and what has gone but has a successor here."""
    wanted = {key for key, entry in found.items() if key[0] not in WITNESSED or entry["known"] or worth(*key)}
    live = {key for key in wanted if not found[key]["date"] or found[key]["date"] > TODAY.isoformat()}
    for kind, name in sorted(wanted):
        entry = found[kind, name]
        if (kind, entry["successor"]) not in live:
            entry["successor"] = ""
        if (kind, name) in live or entry["successor"]:
            yield kind, name, entry


def worth(kind, name):
    if kind == "bedrock":
        return bool(re.match(r"anthropic\.claude|amazon\.(nova|titan-embed)|meta\.llama[34]|mistral\.|deepseek\.|openai\.|cohere\.(embed|command)", name))
    if kind == "azure":
        return bool(re.match(r"gpt-[4-9]|o[134]|text-embedding-3", name)) and not re.search(r"\d{4}-\d{2}-\d{2}|preview|audio", name)
    return bool(re.search(r"(deepseek-v[34]|llama-v?[34]|llama-3|kimi|glm|gpt-oss|qwen3)", name, re.I)) and not re.search(r"base|lora|coder-\d", name)


def merged(listed):
    """Names of one kind that differ in nothing but a date are one row, the others its aliases."""
    by = {}
    for kind, name, entry in listed:
        undated = re.sub(r"[-@](\d{8}|\d{4}-\d{2}-\d{2}|latest|default)$", "", name)
        by.setdefault((kind, undated, text(entry), entry["verified"]), []).append(name)
    lines = {}
    for (kind, _, body, verified), names in by.items():
        names.sort(key=lambda n: (len(n), n))
        line = " ".join([names[0], body] + ["=" + n for n in names[1:]] + ([] if verified else ["?"]))
        lines.setdefault(kind, []).append(line)
    return {kind: sorted(found, key=lambda l: l.split(" ")[0].encode()) for kind, found in sorted(lines.items())}


HEAD = '''// Which kinds of provider serve which models: made by Tests/Catalogue/generate.py, never by hand.
//
// The first line says when it was made, and of what. A line in brackets begins a kind. Each other line is a model:
//
//     NAME FLAGS CONTEXT/OUTPUT IN,OUT[,CACHED[,WRITE[,WRITE1H]]] [>Nk:IN,OUT,…] [a:IN[,OUT]] [b:PCT] [f:PCT] [p:PCT]
//       [x:DATE>SUCCESSOR] [~FAMILY] [=ALIAS]… [?]
//
// FLAGS: what it is for (c chat, r the Responses API alone, e embeddings, t text completion), then what it takes: v
// pictures, p PDF, a audio, A audio out, t tools, r reasoning, s JSON schemas. CONTEXT and OUTPUT in tokens, empty where
// unknown. Prices in US dollars for a million tokens; `>Nk:` those of prompts above N thousand tokens; `a:` of audio;
// `b:`, `f:`, `p:` what of the price a batch (50 where not said), flex and priority pay, in percent. `x:` the day it
// ends, and what comes after it. `?`: the sources of the price disagree, or there is only one.

/// The catalogue that the program comes with.
enum CatalogueText {
  static let builtIn: StaticString = """
'''


def main():
    found, differing = rows(sys.argv[1])
    if "--differences" in sys.argv:
        print("\n".join(differing))
    lines = merged(kept(found))
    version = re.search(r"litellm-([\d.]+)-", sys.argv[1]).group(1)
    body = [f"@ {TODAY} litellm {version} genai-prices {genai_prices.__version__}"]
    for kind, listed in lines.items():
        body += [f"[{kind}]"] + listed
    made = "\n".join(body)
    count = sum(map(len, lines.values()))
    place = Path(__file__).resolve().parents[2] / "Sources/Policy/CatalogueText.swift"
    place.write_text(HEAD + "".join(f"    {line}\n" for line in body) + '    """\n}\n')
    print(f"{count} models, {len(made)} bytes", {kind: len(listed) for kind, listed in lines.items()}, file=sys.stderr)


main()
