// Whether every file and variable that a configuration names is there and good.

internal import Wire

package enum Check {
  /// The configuration's own problems and those of what it names, in the order of the text.
  ///
  /// Secrets are read as they will be sent, then wiped. Whether a certificate is one is left to whoever uses
  /// it.
  package static func problems(_ loaded: Loaded, environment: Environment) -> [Problem] {
    var problems = loaded.problems + sharedKeys(loaded, environment)
    for reference in loaded.references {
      guard let message = complaint(reference, environment) else { continue }
      let file = reference.position == nil ? nil : loaded.file
      problems.append(Problem(file: file, position: reference.position, message: message))
    }
    return problems.inOrder
  }

  /// Keys that two groups have.
  private static func sharedKeys(_ loaded: Loaded, _ environment: Environment) -> [Problem] {
    var known: [Int: [(name: String, secret: Secret)]] = [:]
    var problems: [Problem] = []
    for reference in loaded.references {
      guard case .secret(let source, let name, .caller) = reference.target,
        let secret = try? Secret.load(source, as: .caller, from: environment)
      else { continue }
      var hasher = Hasher()
      for at in secret.bytes.indices { hasher.combine(secret.bytes[at]) }
      let alike = hasher.finalize()
      // `group 'NAME' key`
      let group = String(name.dropFirst("group '".count).dropLast("' key".count))
      if let other = known[alike, default: []].first(where: { $0.secret.isEqual(to: secret) }) {
        problems.append(
          Problem(
            file: loaded.file, position: reference.position,
            message: ConsumerGroup.sameKey(other.name, group)))
      }
      known[alike, default: []].append((group, secret))
    }
    return problems
  }

  private static func complaint(_ reference: Reference, _ environment: Environment) -> String? {
    guard let fault = failure(of: reference, environment: environment) else { return nil }
    switch reference.target {
    case .secret(let source, let name, _):
      if case .unset = fault { return "\(name): \(fault.message)" }
      return "\(name) (\(Shown.path(source.place))): \(fault.message)"
    case .file(let path, let key): return "\(key) (\(Shown.path(path))) \(fault.message)"
    }
  }

  /// Why what `reference` names can't be loaded; nil where it can. A secret is wiped again.
  package static func failure(of reference: Reference, environment: Environment) -> SecretFault? {
    do throws(SecretFault) {
      switch reference.target {
      case .secret(let source, _, let use): _ = try Secret.load(source, as: use, from: environment)
      case .file(let path, _):
        do throws(FileFault) { try FileContents.check(path) } catch { throw .file(error) }
      }
      return nil
    } catch { return error }
  }
}
