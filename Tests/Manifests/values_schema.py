"""The part of the chart's values.schema.json that is the program's own: the schema of `config`.

Run by itself, it writes that part anew from what `remora schema` prints.
"""

from __future__ import annotations

import json
import subprocess

from tools import BINARY, ROOT

FILE = ROOT / "charts/remora/values.schema.json"


def programs() -> dict:
    """What `remora schema` prints, as a part of another schema."""
    printed = subprocess.run([str(BINARY), "schema"], capture_output=True, text=True, check=True, timeout=20)
    schema = json.loads(printed.stdout)
    del schema["$schema"]
    return schema


def text(whole: dict) -> str:
    """The file: a line for each key, and in `config` for each key of that."""

    def lines(entries: dict, indent: str) -> str:
        return ",\n".join(f"{indent}{json.dumps(key)}: {json.dumps(value)}" for key, value in entries.items())

    values = dict(whole["properties"])
    config = values.pop("config")
    string, mapping = config["anyOf"]
    head = {key: value for key, value in mapping.items() if key != "properties"}
    return f"""{{
{lines({key: value for key, value in whole.items() if key != "properties"}, "  ")},
  "properties": {{
{lines(values, "    ")},
    "config": {{
{lines({key: value for key, value in config.items() if key != "anyOf"}, "      ")},
      "anyOf": [
        {json.dumps(string)},
        {{
{lines(head, "          ")},
          "properties": {{
{lines(mapping["properties"], "            ")}
          }}
        }}
      ]
    }}
  }}
}}
"""


if __name__ == "__main__":
    whole = json.loads(FILE.read_text())
    whole["properties"]["config"]["anyOf"][1] = programs()
    FILE.write_text(text(whole))
    print(f"{FILE}: written")
