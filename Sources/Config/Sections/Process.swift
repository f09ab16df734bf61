// What holds of the whole process: its workers, its memory, its end, and which web pages may send to it.

internal import Wire

/// How many event loops run.
package enum Workers: Sendable, Equatable {
  case count(Int)
  /// The cgroup's CPU quota, rounded up.
  case automatic
}

/// Where an answer says which provider and model made it.
package enum ResponseMetadata: String, Sendable, Equatable, CaseIterable {
  case body, headers, off
}

package struct Shutdown: Sendable, Equatable {
  /// How long requests under way may take to finish.
  package var drain = Defaults.drain

  package init() {}

  static let section = Section<Shutdown>([
    Row(
      "drain", \.drain, .duration(.zero...Defaults.timeout),
      "How long requests may take to finish. Default: 30s.")
  ])
}

extension Form where Value == Workers {
  static var workers: Form {
    let count = Form<Int>.integer(1...Defaults.workers)
    return Form(
      .either([count.shape, .choice(["auto"])]),
      read: { decoder, node, what in
        if decoder.isAuto(node) { return .automatic }
        return count.read(&decoder, node, "\(what) (or auto)").map { .count($0) }
      },
      write: { workers, name, writer in
        switch workers {
        case .count(let number): count.write(number, name, &writer)
        case .automatic: writer.member(name, "auto")
        }
      })
  }
}

extension Form where Value == Int {
  /// The ceiling of the process's memory; nil, without a problem, for `auto`.
  static var memory: Form {
    let size = Form.size(ceiling: Defaults.memory)
    return Form(
      .either([size.shape, .choice(["auto"])]),
      read: { decoder, node, what in
        if decoder.isAuto(node) { return nil }
        guard let bytes = size.read(&decoder, node, "\(what) (or auto)") else { return nil }
        if bytes > 0, bytes < Defaults.leastMemory {
          let least = Quantity.text(size: Defaults.leastMemory)
          decoder.problem(
            "\(what) must be at least \(least), 0 or auto, not \(Decoder.kind(node))", at: node.position)
        }
        return bytes
      },
      write: size.write)
  }
}

extension Form where Value == [String] {
  /// Host names.
  static var hosts: Form {
    list { decoder, text, item, what in
      if Host.isValid(text) || Host.isIPv6(text) { return text.lowercased() }
      decoder.problem(
        "\(what), \(Decoder.kind(item)): not a host name; leave out scheme and port: remora.example",
        at: item.position)
      return nil
    }
  }

  /// Origins as browsers write them.
  static var origins: Form {
    list { decoder, text, item, what in
      // RFC 6454 section 7: scheme, host, and a port where it isn't the scheme's own; nothing behind.
      if let url = try? BaseURL.read(text), url.prefix.isEmpty, !text.hasSuffix("/") { return url.text }
      decoder.problem(
        "\(what), \(Decoder.kind(item)): not an origin; write scheme and host: https://app.example",
        at: item.position)
      return nil
    }
  }

  private static func list(
    _ read: @escaping @Sendable (inout Decoder, String, YAMLNode, String) -> String?
  ) -> Form {
    Form(
      .list(.text),
      read: { decoder, node, what in
        decoder.items(node, of: what, ceiling: Defaults.targets).compactMap { item in
          decoder.text(item, of: "an item of \(what)").flatMap { read(&decoder, $0, item, what) }
        }
      },
      write: { $2.member($1, $0) })
  }
}

extension Decoder {
  fileprivate func isAuto(_ node: YAMLNode) -> Bool {
    guard case .scalar(let raw, _) = node.kind else { return false }
    return raw == "auto" || (try? environment.interpolate(raw)) == "auto"
  }
}
