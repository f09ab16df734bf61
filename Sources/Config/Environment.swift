// The process's environment as a value, so that tests bring their own, and `${NAME}` in texts.

internal import CLinux
import Glibc
internal import Wire

/// Names and values of environment variables.
package struct Environment: Sendable, Equatable {
  package var values: [String: String]
  /// Bytes of memory that the process may use, as its container's limit says; nil: none is known.
  package var memoryQuota: Int?

  package init(_ values: [String: String]) { self.values = values }

  /// What this process was started with. It is read once, before anything makes the process undumpable.
  package static func current() -> Environment {
    var values: [String: String] = [:]
    // SAFETY: the C library keeps `environ` as a list of zero-ended texts that a null ends; nobody sets
    // variables here. After `clearenv` there is no list.
    var next = unsafe remora_environ()
    while let place = unsafe next, let entry = unsafe place.pointee {
      let text = unsafe String(cString: entry)
      if let mark = text.firstIndex(of: "="), mark != text.startIndex {
        values[String(text[..<mark])] = String(text[text.index(after: mark)...])
      }
      unsafe next = place.advanced(by: 1)
    }
    return Environment(values)
  }

  package subscript(name: String) -> String? { values[name] }

  /// The value, unless it is unset or empty.
  package func nonEmpty(_ name: String) -> String? {
    values[name].flatMap { $0.isEmpty ? nil : $0 }
  }

  /// Replaces `${NAME}` and `${NAME:-default}` in `text`; `$${` stands for `${` itself.
  ///
  /// As in a shell, the default also stands in for an empty value.
  func interpolate(_ text: String) throws(Refused) -> String {
    var result = ""
    var rest = text[...]
    while let mark = rest.range(of: "${") {
      let before = rest[..<mark.lowerBound]
      if before.hasSuffix("$") {
        result += before.dropLast() + "${"
        rest = rest[mark.upperBound...]
        continue
      }
      result += before
      guard let end = rest[mark.upperBound...].firstIndex(of: "}") else {
        throw Refused("'${' is not closed; write ${NAME} or ${NAME:-default}, or $${ for the text itself")
      }
      result += try value(of: rest[mark.upperBound..<end])
      rest = rest[rest.index(after: end)...]
    }
    return result + rest
  }

  private func value(of expression: Substring) throws(Refused) -> String {
    let mark = expression.range(of: ":-")
    let name = expression[..<(mark?.lowerBound ?? expression.endIndex)]
    guard Name.isVariable(name) else {
      throw Refused(
        "'\(Shown.text(name))' can't be a variable's name; write ${NAME} or ${NAME:-default}")
    }
    if let mark { return nonEmpty(String(name)) ?? String(expression[mark.upperBound...]) }
    guard let value = values[String(name)] else {
      let shown = Shown.text(name)
      throw Refused("environment variable \(shown) is not set; set it, or write ${\(shown):-default}")
    }
    return value
  }
}

extension Substring {
  /// Where `part`, which isn't empty, first occurs.
  func range(of part: StaticString) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      var end = start
      var matched = 0
      // SAFETY: a static string's bytes live as long as the program, and `matched` stays below their count.
      while end < endIndex, matched < part.utf8CodeUnitCount, unsafe utf8[end] == part.utf8Start[matched] {
        utf8.formIndex(after: &end)
        matched += 1
      }
      if matched == part.utf8CodeUnitCount { return start..<end }
      utf8.formIndex(after: &start)
    }
    return nil
  }
}
