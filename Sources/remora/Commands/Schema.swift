// `remora schema`: the configuration's JSON Schema, for editors.

import Config

enum SchemaCommand {
  static func run() -> Int32 {
    Console.write(Schema.json())
    return ExitStatus.good
  }
}
