// Documents that the tests inject, and how they are called.

import Kubernetes
import Wire

/// A Deployment around the lines of a pod's spec, which stand at column 6.
func deployment(_ spec: String, metadata: String = "    metadata:\n      labels: {app: web}\n") -> String {
  "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  selector: {matchLabels: {app: web}}\n"
    + "  template:\n" + metadata + "    spec:\n" + spec
}

func annotated(_ annotations: String) -> String { "    metadata:\n      annotations: {\(annotations)}\n" }

let app = "      containers:\n      - name: app\n        image: web:1\n"

struct Injected {
  let report: InjectionReport
  var text: String { String(decoding: report.output, as: UTF8.self) }
  var errors: [String] { messages(isError: true) }
  var warnings: [String] { messages(isError: false) }
  var lines: [String] {
    report.lines.map { "\($0.fate) \($0.object)" + ($0.detail.isEmpty ? "" : ": \($0.detail)") }
  }

  private func messages(isError: Bool) -> [String] {
    report.messages.filter { $0.isError == isError }.map {
      "\($0.position.line):\($0.position.column): \($0.text)"
    }
  }
}

func inject(_ bytes: [UInt8], _ change: (inout InjectionOrder) -> Void = { _ in }) -> Injected {
  var order = InjectionOrder(settings: InjectionSettings(image: "remora:1"), version: "1")
  change(&order)
  return Injected(report: order.run(bytes))
}

func inject(_ text: String, _ change: (inout InjectionOrder) -> Void = { _ in }) -> Injected {
  inject(Array(text.utf8), change)
}

func uninject(_ text: String) -> Injected { inject(text) { $0.uninjects = true } }

/// Whether all of `part` is in `whole`, in its order.
func isKept(_ part: String, in whole: String) -> Bool {
  var rest = Array(part.utf8)[...]
  for byte in whole.utf8 where byte == rest.first { rest.removeFirst() }
  return rest.isEmpty
}
