// Tokens as OpenAI-format answers count them, with the places where providers put them instead.

package import Wire

/// What one exchange used; nil where the provider didn't say. Cached and reasoning are parts of their totals.
package struct TokenUsage: Sendable, Equatable {
  package var input: Int?
  package var output: Int?
  package var cachedInput: Int?
  /// Input that was written to a cache.
  package var cacheWrite: Int?
  /// What of it stays there for an hour, and not for minutes.
  package var cacheWriteHour: Int?
  package var reasoning: Int?
  /// Input and output that are sound.
  package var audioInput: Int?
  package var audioOutput: Int?

  package init() {}

  package var isEmpty: Bool { input == nil && output == nil }

  /// Takes over what the `usage` object in `range` says. Members it lacks leave what was known (streams repeat).
  package mutating func read(_ bytes: Span<UInt8>, _ range: Range<Int>) {
    _ = read(bytes.extracting(first: range.upperBound), from: range.lowerBound)
  }

  /// Takes over what the `usage` object that begins at `start` says, and tells where it ends; nil if that isn't in
  /// `bytes`.
  package mutating func read(_ bytes: Span<UInt8>, from start: Int) -> Int? {
    var walk = JSONWalk(bytes, from: start, strings: Span())
    return read(bytes, &walk) && !walk.isCut ? walk.at : nil
  }

  /// Takes over what the `usage` object says that comes next; false, and nothing is read, where it is no object.
  @discardableResult
  mutating func read(_ bytes: Span<UInt8>, _ walk: inout JSONWalk) -> Bool {
    guard walk.enterObject() else { return false }
    var said = TokenUsage()
    var total: Int?
    while let key = walk.nextKey() {
      if key.says("prompt_tokens", in: bytes) || key.says("input_tokens", in: bytes) {
        set(&said.input, bytes, &walk)
      } else if key.says("completion_tokens", in: bytes) || key.says("output_tokens", in: bytes) {
        set(&said.output, bytes, &walk)
      } else if key.says("total_tokens", in: bytes) {
        set(&total, bytes, &walk)
      } else if key.says("prompt_tokens_details", in: bytes) || key.says("input_tokens_details", in: bytes)
        || key.says("prompt_token_details", in: bytes)
      {
        said.readInput(bytes, &walk)
      } else if key.says("completion_tokens_details", in: bytes)
        || key.says("output_tokens_details", in: bytes)
      {
        said.readOutput(bytes, &walk)
      } else if key.says("reasoning_tokens", in: bytes) {
        // Perplexity and others; the details count where both are said.
        if said.reasoning == nil { set(&said.reasoning, bytes, &walk) } else { _ = walk.pass() }
      } else if key.says("cache_creation_input_tokens", in: bytes) {
        // Gateways that pass Anthropic's name on.
        if said.cacheWrite == nil { set(&said.cacheWrite, bytes, &walk) } else { _ = walk.pass() }
      } else if key.says("prompt_cache_hit_tokens", in: bytes) || key.says("cached_tokens", in: bytes)
        || key.says("num_cached_tokens", in: bytes)
      {
        // DeepSeek, Moonshot and Mistral.
        set(&said.cachedInput, bytes, &walk)
      } else {
        _ = walk.pass()
      }
    }
    said.addReasoning(to: total)
    said.addCached()
    // Embeddings count no output: then the total is the input.
    input = said.input ?? input ?? total
    output = said.output ?? output
    cachedInput = said.cachedInput ?? cachedInput
    cacheWrite = said.cacheWrite ?? cacheWrite
    reasoning = said.reasoning ?? reasoning
    audioInput = said.audioInput ?? audioInput
    audioOutput = said.audioOutput ?? audioOutput
    return true
  }

  /// Reads of which kinds the output is.
  private mutating func readOutput(_ bytes: Span<UInt8>, _ walk: inout JSONWalk) {
    guard walk.enterObject() else {
      _ = walk.pass()
      return
    }
    while let key = walk.nextKey() {
      if key.says("reasoning_tokens", in: bytes) {
        set(&reasoning, bytes, &walk)
      } else if key.says("audio_tokens", in: bytes) {
        set(&audioOutput, bytes, &walk)
      } else {
        _ = walk.pass()
      }
    }
  }

  /// Reads what of the input a cache had, or got (OpenAI API reference, "The chat completion object", 2026-10).
  private mutating func readInput(_ bytes: Span<UInt8>, _ walk: inout JSONWalk) {
    guard walk.enterObject() else {
      _ = walk.pass()
      return
    }
    while let key = walk.nextKey() {
      if key.says("cached_tokens", in: bytes) {
        set(&cachedInput, bytes, &walk)
      } else if key.says("cache_write_tokens", in: bytes) {
        set(&cacheWrite, bytes, &walk)
      } else if key.says("audio_tokens", in: bytes) {
        set(&audioInput, bytes, &walk)
      } else {
        _ = walk.pass()
      }
    }
  }

  /// xAI leaves reasoning out of the completion, which only the total shows; here it is a part of it.
  private mutating func addReasoning(to total: Int?) {
    guard let total, let input, let output, let reasoning, reasoning > 0 else { return }
    let (answer, isLess) = total.subtractingReportingOverflow(input)
    let (sum, overflow) = output.addingReportingOverflow(reasoning)
    if !isLess, !overflow, sum == answer { self.output = sum }
  }

  /// A cache can't have had more than all: then the provider counts what it had beside the rest (xAI).
  private mutating func addCached() {
    guard let input, let cachedInput, cachedInput > input else { return }
    let (sum, overflow) = input.addingReportingOverflow(cachedInput)
    if !overflow { self.input = sum }
  }

  /// Appends the `usage` object of a chat answer.
  package func write(into out: inout ByteQueue) {
    let input = input ?? 0
    let output = output ?? 0
    out.append(literal: "{\"prompt_tokens\":")
    out.append(decimal: input)
    out.append(literal: ",\"completion_tokens\":")
    out.append(decimal: output)
    out.append(literal: ",\"total_tokens\":")
    let (total, overflow) = input.addingReportingOverflow(output)
    out.append(decimal: overflow ? .max : total)
    if cachedInput != nil || cacheWrite != nil {
      out.append(literal: ",\"prompt_tokens_details\":{")
      if let cachedInput {
        out.append(literal: "\"cached_tokens\":")
        out.append(decimal: cachedInput)
      }
      if let cacheWrite {
        out.append(cachedInput == nil ? "\"cache_write_tokens\":" : ",\"cache_write_tokens\":")
        out.append(decimal: cacheWrite)
      }
      out.append(literal: "}")
    }
    if let reasoning {
      out.append(literal: ",\"completion_tokens_details\":{\"reasoning_tokens\":")
      out.append(decimal: reasoning)
      out.append(literal: "}")
    }
    out.append(literal: "}")
  }

  /// Passes over the value that comes next, and takes it where it is a count.
  private func set(_ field: inout Int?, _ bytes: Span<UInt8>, _ walk: inout JSONWalk) {
    // Nearly all are a few digits, of which none says more than tokens may be.
    if let count = walk.takeCount() {
      field = count
      return
    }
    if let value = walk.pass(), let number = TokenCount.read(bytes, value.range) { field = number }
  }
}
