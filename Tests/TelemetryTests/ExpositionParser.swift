// A second reading of the exposition formats, strict and written without a look at the writer.

/// A sample: its full name, its labels in order, its value as text.
struct Sample: Equatable {
  var name: String
  var labels: [[String]]
  var value: String

  func label(_ name: String) -> String? { labels.first { $0[0] == name }?[1] }
}

struct ParsedFamily {
  var name: String
  var type: String
  var help: String
  var unit: String?
  var samples: [Sample] = []
}

struct ExpositionFault: Error, CustomStringConvertible {
  var description: String
  init(_ what: String, _ line: some StringProtocol) { description = "\(what): \(line)" }
}

/// Parses a whole exposition; throws at anything that either format's text forbids.
func parseExposition(_ text: String, isOpenMetrics: Bool) throws -> [ParsedFamily] {
  guard text.hasSuffix("\n") else { throw ExpositionFault("no line feed at the end", "") }
  var lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
  if isOpenMetrics {
    guard lines.last == "# EOF" else { throw ExpositionFault("no EOF", lines.last ?? "") }
    lines = lines.dropLast()
  }
  var families: [ParsedFamily] = []
  var seenFamilies: Set<String> = []
  var seenSeries: Set<String> = []
  for line in lines {
    if line.hasPrefix("# ") {
      let words = line.split(separator: " ", maxSplits: 3, omittingEmptySubsequences: false).map(String.init)
      guard words.count == 4 else { throw ExpositionFault("short comment", line) }
      switch words[1] {
      case "HELP":
        guard seenFamilies.insert(words[2]).inserted else { throw ExpositionFault("twice", line) }
        families.append(ParsedFamily(name: words[2], type: "", help: words[3]))
      case "TYPE":
        guard let last = families.last, last.name == words[2], last.type.isEmpty else {
          throw ExpositionFault("stray TYPE", line)
        }
        families[families.count - 1].type = words[3]
      case "UNIT":
        guard isOpenMetrics, families.last?.name == words[2], words[2].hasSuffix("_" + words[3]) else {
          throw ExpositionFault("bad UNIT", line)
        }
        families[families.count - 1].unit = words[3]
      default: throw ExpositionFault("unknown comment", line)
      }
      continue
    }
    let sample = try parseSample(line)
    guard let family = families.last else { throw ExpositionFault("no family", line) }
    try check(sample, in: family, isOpenMetrics: isOpenMetrics)
    guard seenSeries.insert("\(sample.name)\(sample.labels)").inserted else {
      throw ExpositionFault("series twice", line)
    }
    families[families.count - 1].samples.append(sample)
  }
  for family in families where family.type == "histogram" { try checkHistogram(family) }
  return families
}

private func check(_ sample: Sample, in family: ParsedFamily, isOpenMetrics: Bool) throws {
  let suffix = sample.name.dropFirst(family.name.count)
  guard sample.name.hasPrefix(family.name) else { throw ExpositionFault("wrong family", sample.name) }
  let allowed: [String]
  switch (family.type, isOpenMetrics) {
  case ("counter", true): allowed = ["_total"]
  case ("counter", false):
    guard family.name.hasSuffix("_total") else { throw ExpositionFault("no _total", family.name) }
    allowed = [""]
  case ("info", true): allowed = ["_info"]
  case ("gauge", _): allowed = [""]
  case ("histogram", _): allowed = ["_bucket", "_sum", "_count"]
  default: throw ExpositionFault("unknown type \(family.type)", family.name)
  }
  guard allowed.contains(String(suffix)) else { throw ExpositionFault("bad suffix", sample.name) }
  if isOpenMetrics, family.type == "counter", family.name.hasSuffix("_total") {
    throw ExpositionFault("_total in a family's name", family.name)
  }
  guard let value = Double(sample.value), value.isFinite else {
    throw ExpositionFault("bad value", sample.value)
  }
  guard family.type == "gauge" || value >= 0 else { throw ExpositionFault("negative", sample.name) }
}

/// Buckets rise, none is missing, and the last one equals the count.
private func checkHistogram(_ family: ParsedFamily) throws {
  var groups: [String: [Sample]] = [:]
  for sample in family.samples {
    groups["\(sample.labels.filter { $0[0] != "le" })", default: []].append(sample)
  }
  for (labels, samples) in groups {
    let buckets = samples.filter { $0.name.hasSuffix("_bucket") }
    var lastBound = -1.0
    var lastCount = 0
    for bucket in buckets {
      let text = bucket.label("le") ?? ""
      guard let bound = text == "+Inf" ? .infinity : Double(text), let count = Int(bucket.value),
        bound > lastBound, count >= lastCount
      else { throw ExpositionFault("bucket out of order", "\(bucket)") }
      lastBound = bound
      lastCount = count
    }
    guard lastBound == .infinity,
      samples.filter({ $0.name.hasSuffix("_count") }).map(\.value) == ["\(lastCount)"],
      samples.filter({ $0.name.hasSuffix("_sum") }).count == 1
    else { throw ExpositionFault("incomplete histogram", labels) }
  }
}

/// `name{label="value",…} value`, nothing else.
func parseSample(_ line: Substring) throws -> Sample {
  var rest = line.unicodeScalars[...]
  func word(_ allowed: (Unicode.Scalar) -> Bool) throws -> String {
    let found = rest.prefix(while: allowed)
    guard let first = found.first, !("0"..."9").contains(first) else {
      throw ExpositionFault("no name", line)
    }
    rest = rest.dropFirst(found.count)
    return String(String.UnicodeScalarView(found))
  }
  func isName(_ scalar: Unicode.Scalar) -> Bool {
    ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar)
      || scalar == "_"
  }
  let name = try word(isName)
  var labels: [[String]] = []
  if rest.first == "{" {
    repeat {
      rest.removeFirst()
      let label = try word(isName)
      guard !labels.contains(where: { $0[0] == label }) else { throw ExpositionFault("label twice", line) }
      guard rest.starts(with: "=\"".unicodeScalars) else { throw ExpositionFault("no value", line) }
      rest.removeFirst(2)
      var value = ""
      while let scalar = rest.popFirst(), scalar != "\"" {
        guard scalar == "\\" else {
          value.unicodeScalars.append(scalar)
          continue
        }
        switch rest.popFirst() {
        case "\\": value += "\\"
        case "\"": value += "\""
        case "n": value += "\n"
        default: throw ExpositionFault("bad escape", line)
        }
      }
      labels.append([label, value])
    } while rest.first == ","
    guard rest.popFirst() == "}" else { throw ExpositionFault("unclosed labels", line) }
  }
  guard rest.popFirst() == " ", !rest.isEmpty, !rest.contains(" ") else {
    throw ExpositionFault("no value", line)
  }
  return Sample(name: name, labels: labels, value: String(String.UnicodeScalarView(rest)))
}
