// Embeddings that mean nothing but are always the same for the same input.

internal import Wire

/// What one request for embeddings asks for.
struct MockEmbedding {
  /// Numbers in a vector where the request doesn't say.
  private static let dimensions = 8
  private static let dimensionCeiling = 4096
  /// Inputs that one request may hold, which is OpenAI's own limit.
  private static let inputCeiling = 2048
  /// Numbers in a whole answer; of very many inputs the vectors are shorter.
  private static let numberCeiling = 1 << 20

  private var inputs: [Range<Int>] = []
  private var dimensions = Self.dimensions
  private var isBase64 = false

  /// - Parameter body: valid JSON.
  init(_ body: Span<UInt8>) {
    let top = 0..<body.count
    if let number = JSONView.value(body, in: top, at: "dimensions"),
      let count = JSONValue.integer(body, number),
      count > 0
    {
      dimensions = min(count, Self.dimensionCeiling)
    }
    if let format = JSONView.value(body, in: top, at: "encoding_format") {
      isBase64 = JSONString.equals(body, format, "base64")
    }
    readInputs(body, JSONView.value(body, in: top, at: "input"))
    dimensions = min(dimensions, Self.numberCeiling / max(inputs.count, 1))
  }

  /// A text, texts, the tokens of a text, or those of several.
  private mutating func readInputs(_ body: Span<UInt8>, _ input: Range<Int>?) {
    guard let input else { return }
    var elements = JSONArrayCursor(body, input)
    while inputs.count < Self.inputCeiling, let element = elements.next() {
      if element.kind == .number { break }
      inputs.append(element.value)
    }
    if inputs.isEmpty { inputs = [input] }
  }

  func write(_ body: Span<UInt8>, model: Span<UInt8>, into out: inout ByteQueue) {
    var bytes = 0
    out.append("{\"object\":\"list\",\"data\":[")
    for (index, input) in inputs.enumerated() {
      if index > 0 { out.append(ASCII.comma) }
      out.append("{\"object\":\"embedding\",\"index\":")
      out.append(decimal: index)
      out.append(",\"embedding\":")
      var text = ByteQueue()
      JSONString.decode(body, input, into: &text)
      bytes += text.count
      let vector = Self.vector(text.bytes, dimensions)
      if isBase64 { Self.writeBase64(vector, into: &out) } else { Self.writeNumbers(vector, into: &out) }
      out.append("}")
    }
    let tokens = Mock.tokens(bytes)
    out.append("],\"model\":")
    JSONWriter.string(model, into: &out)
    out.append(",\"usage\":{\"prompt_tokens\":")
    out.append(decimal: tokens)
    out.append(",\"total_tokens\":")
    out.append(decimal: tokens)
    out.append("}}")
  }

  /// A vector of length 1 that follows from `text` alone.
  private static func vector(_ text: Span<UInt8>, _ dimensions: Int) -> [Float] {
    // SplitMix64, which that begins.
    var state = FNV.hash(text)
    var numbers = [Float](repeating: 0, count: dimensions)
    var square: Float = 0
    for at in numbers.indices {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
      // Never 0, so that no vector is without a direction.
      let number = (Float((mixed ^ mixed >> 31) >> 48) - 32767.5) / 32768
      numbers[at] = number
      square += number * number
    }
    let length = square.squareRoot()
    for at in numbers.indices { numbers[at] /= length }
    return numbers
  }

  private static func writeNumbers(_ vector: [Float], into out: inout ByteQueue) {
    out.append("[")
    for (at, number) in vector.enumerated() {
      if at > 0 { out.append(ASCII.comma) }
      out.append(number.description)
    }
    out.append("]")
  }

  /// Appends the numbers' bytes, lowest first, as OpenAI sends them (RFC 4648 section 4).
  private static func writeBase64(_ vector: [Float], into out: inout ByteQueue) {
    out.append(ASCII.quote)
    var bits: UInt32 = 0
    var count = 0
    for at in 0..<vector.count * 4 {
      let byte = UInt8(truncatingIfNeeded: vector[at / 4].bitPattern >> UInt32(at % 4 * 8))
      bits = bits << 8 | UInt32(byte)
      count += 8
      while count >= 6 {
        count -= 6
        out.append(digit(bits >> UInt32(count)))
      }
    }
    if count > 0 {
      out.append(digit(bits << UInt32(6 - count)))
      out.append(count == 2 ? "==" : "=")
    }
    out.append(ASCII.quote)
  }

  /// The digit for the lowest six bits.
  private static func digit(_ bits: UInt32) -> UInt8 {
    let value = UInt8(truncatingIfNeeded: bits & 63)
    switch value {
    case 0..<26: return UInt8(ascii: "A") + value
    case 26..<52: return UInt8(ascii: "a") + value - 26
    case 52..<62: return UInt8(ascii: "0") + value - 52
    case 62: return UInt8(ascii: "+")
    default: return UInt8(ascii: "/")
    }
  }
}
