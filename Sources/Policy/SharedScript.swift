// The limits of a group, counted in Redis for all pods: the script that does it, what it is asked, what it answers.
//
// Everything that decides runs there, at once and by the server's clock alone, so that pods can't disagree. A window has
// thirteen buckets of five seconds, twelve full ones and the one that runs: no span of sixty seconds has more than the
// limit. What was promised counts as taken until it is settled, so that a pod that dies gives nothing back. Numbers are
// Lua's, which are exact below 2^53: money is in millionths of a dollar.

package import Wire

/// What a group's limits are, where they are counted together.
package struct SharedQuota: Sendable, Equatable {
  /// 0: no ceiling.
  package var requests: UInt64
  package var tokens: UInt64
  /// In millionths of a dollar; 0: no budget.
  package var budget: UInt64
  /// Seconds of the budget's span.
  package var per: Int64

  package init(requests: UInt64, tokens: UInt64, budget: UInt64, per: Int64) {
    self.requests = requests
    self.tokens = tokens
    self.budget = budget
    self.per = per
  }
}

/// What of requests that are over is still to be told: corrections of what was promised them.
package struct SharedSettlement: Sendable, Equatable {
  struct Slot: Sendable, Equatable {
    /// The bucket of the server's clock.
    var slot: Int64
    var requests: Int64 = 0
    var tokens: Int64 = 0
  }

  struct Span: Sendable, Equatable {
    var per: Int64
    /// When it began, in seconds of the server's clock.
    var start: Int64
    /// In nano-dollars.
    var cost: Int64
  }

  var slots: [Slot] = []
  var spans: [Span] = []

  package init() {}

  package var isEmpty: Bool { slots.isEmpty && spans.isEmpty }
}

/// What the script says.
package struct SharedAnswer: Sendable, Equatable {
  package enum Verdict: Int64, Sendable, Equatable { case granted, requests, tokens, budget }

  /// What it was, or which limit stands in the way.
  package var verdict = Verdict.granted
  /// Seconds until it would fit.
  package var wait: Int64 = 0
  /// What the windows hold, and seconds until they are empty.
  package var requests: (sum: Int64, reset: Int64) = (0, 0)
  package var tokens: (sum: Int64, reset: Int64) = (0, 0)
  /// What is spent or promised in the span, in millionths of a dollar.
  package var spent: Int64 = 0
  package var promise = SharedPromise()
  /// Pods that have asked within the last minute.
  package var pods: Int64 = 1
  /// The server's clock, in milliseconds since 1970.
  package var time: Int64 = 0

  package static func == (one: SharedAnswer, other: SharedAnswer) -> Bool {
    one.verdict == other.verdict && one.wait == other.wait && one.requests == other.requests
      && one.tokens == other.tokens && one.spent == other.spent && one.promise == other.promise
      && one.pods == other.pods && one.time == other.time
  }

  /// As if nothing had been counted.
  package init() {}

  /// Nil for what the script never says.
  package init?(_ reply: RESPReply) {
    guard case .array(let parts) = reply, parts.count == 13 else { return nil }
    var numbers: [Int64] = []
    for part in parts {
      guard case .integer(let number) = part, number >= 0 else { return nil }
      numbers.append(number)
    }
    guard let verdict = Verdict(rawValue: numbers[0]) else { return nil }
    self.verdict = verdict
    wait = numbers[1]
    requests = (numbers[2], numbers[3])
    tokens = (numbers[4], numbers[5])
    spent = numbers[6]
    promise = SharedPromise(
      slot: numbers[7], tokens: numbers[8], start: numbers[9], cost: numbers[10])
    pods = numbers[11]
    time = numbers[12]
  }

  /// What is left, as answers say it.
  package func standing(_ quota: SharedQuota) -> Standing {
    var standing = Standing()
    add(to: &standing, quota)
    return standing
  }

  package func add(to standing: inout Standing, _ quota: SharedQuota) {
    func count(_ limit: UInt64, _ sum: Int64) -> Standing.Count {
      Standing.Count(limit: limit, left: limit - min(UInt64(clamping: sum), limit))
    }
    if quota.requests > 0 {
      standing.note(
        .group, requests: count(quota.requests, requests.sum), reset: Int(clamping: requests.reset))
    }
    if quota.tokens > 0 {
      standing.note(.group, tokens: count(quota.tokens, tokens.sum), reset: Int(clamping: tokens.reset))
    }
    if quota.budget > 0 {
      let left = count(quota.budget, spent)
      if left.left <= left.limit / 5 {
        standing.note(budget: Standing.Count(limit: left.limit * 1000, left: left.left * 1000))
      }
    }
  }

  /// What stands in the way; nil where it was granted.
  package func shortage(_ quota: SharedQuota) -> Shortage? {
    let wait = max(Int(clamping: wait), 1)
    switch verdict {
    case .granted: return nil
    case .requests: return Shortage(scope: .group, limit: .requests, amount: quota.requests, wait: wait)
    case .tokens: return Shortage(scope: .group, limit: .tokens, amount: quota.tokens, wait: wait)
    case .budget:
      return Shortage(scope: .group, limit: .budget, amount: quota.budget * 1000, wait: wait)
    }
  }
}

/// What a request was promised, and where that is counted.
package struct SharedPromise: Sendable, Equatable {
  package var slot: Int64 = 0
  package var tokens: Int64 = 0
  /// When the budget's span began.
  package var start: Int64 = 0
  /// In millionths of a dollar.
  package var cost: Int64 = 0

  package init(slot: Int64 = 0, tokens: Int64 = 0, start: Int64 = 0, cost: Int64 = 0) {
    self.slot = slot
    self.tokens = tokens
    self.start = start
    self.cost = cost
  }
}

package enum SharedScript {
  /// Seconds of a bucket, and how many buckets count.
  static let bucket: Int64 = 5
  static let buckets: Int64 = 13
  /// The most that one number can be, so that sums stay exact in Lua.
  static let most: UInt64 = 1 << 44

  package static let text: StaticString = """
    local time = redis.call('TIME')
    local now = tonumber(time[1])
    local slot = math.floor(now / 5)
    local oldest = slot - 12
    local function arg(i) return tonumber(ARGV[i]) end
    local function add(key, field, delta)
      if redis.call('HINCRBY', key, field, delta) < 0 then redis.call('HSET', key, field, 0) end
    end
    local per, at = arg(8), 12
    local start = per > 0 and now - now % per or 0
    for _ = 1, arg(10) do
      local s = math.min(arg(at), slot)
      if s >= oldest then
        if arg(at + 1) ~= 0 then add(KEYS[1], s, ARGV[at + 1]) end
        if arg(at + 2) ~= 0 then add(KEYS[2], s, ARGV[at + 2]) end
      end
      at = at + 3
    end
    for _ = 1, arg(11) do
      local p, s = arg(at), arg(at + 1)
      if p > 0 and s == now - now % p then
        add(KEYS[3], p .. ':' .. s, ARGV[at + 2])
        redis.call('EXPIRE', KEYS[3], p * 2)
      end
      at = at + 3
    end
    local function window(key)
      local sum, newest, list, raw = 0, 0, {}, redis.call('HGETALL', key)
      for i = 1, #raw, 2 do
        local s, count = tonumber(raw[i]), tonumber(raw[i + 1])
        if s < oldest then
          redis.call('HDEL', key, raw[i])
        elseif count > 0 then
          sum = sum + count
          newest = math.max(newest, s)
          list[#list + 1] = { s, count }
        end
      end
      return sum, newest, list
    end
    local function wait(sum, list, limit, need)
      if need > limit then return 60 end
      table.sort(list, function(a, b) return a[1] < b[1] end)
      for _, entry in ipairs(list) do
        sum = sum - entry[2]
        if sum + need <= limit then return math.max((entry[1] + 13) * 5 - now, 1) end
      end
      return 1
    end
    local rsum, rnew, rlist, tsum, tnew, tlist, spent = 0, 0, {}, 0, 0, {}, 0
    local rlimit, tneed, tlimit, cost, limit = arg(3), arg(4), arg(5), arg(6), arg(7)
    if rlimit > 0 then rsum, rnew, rlist = window(KEYS[1]) end
    if tlimit > 0 then tsum, tnew, tlist = window(KEYS[2]) end
    local field = string.format('%d:%d', per, start)
    if limit > 0 then
      for _, name in ipairs(redis.call('HKEYS', KEYS[3])) do
        local p, s = string.match(name, '^(%d+):(%d+)$')
        if not p or tonumber(s) + tonumber(p) <= now then redis.call('HDEL', KEYS[3], name) end
      end
      spent = tonumber(redis.call('HGET', KEYS[3], field) or 0)
    end
    local verdict, pause, granted = 0, 0, 0
    local tokens = math.min(tneed, tlimit)
    if ARGV[2] == '1' then
      local function refuse(which, seconds)
        if seconds > pause then verdict, pause = which, seconds end
      end
      if rlimit > 0 and rsum + 1 > rlimit then refuse(1, wait(rsum, rlist, rlimit, 1)) end
      if tlimit > 0 and tsum + tokens > tlimit then refuse(2, wait(tsum, tlist, tlimit, tokens)) end
      if limit > 0 then
        local left = math.max(limit - spent, 0)
        if cost <= left then
          granted = cost
        elseif left > 0 and (ARGV[9] == '0' or (cost > limit and spent == 0)) then
          granted = left
        else
          refuse(3, start + per - now)
        end
      end
      if verdict == 0 then
        if rlimit > 0 then
          rsum, rnew = rsum + 1, slot
          add(KEYS[1], slot, 1)
        end
        if tlimit > 0 and tokens > 0 then
          tsum, tnew = tsum + tokens, slot
          add(KEYS[2], slot, tokens)
        end
        if limit > 0 and granted > 0 then
          spent = spent + granted
          add(KEYS[3], field, granted)
          redis.call('EXPIRE', KEYS[3], per * 2)
        end
      end
    end
    redis.call('EXPIRE', KEYS[1], 130)
    redis.call('EXPIRE', KEYS[2], 130)
    redis.call('ZADD', KEYS[4], now, ARGV[1])
    redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now - 60)
    redis.call('EXPIRE', KEYS[4], 130)
    local function reset(sum, newest) return sum > 0 and math.max((newest + 13) * 5 - now, 1) or 0 end
    return {
      verdict, pause, rsum, reset(rsum, rnew), tsum, reset(tsum, tnew), spent,
      slot, tokens, start, granted, redis.call('ZCARD', KEYS[4]), now * 1000 + math.floor(tonumber(time[2]) / 1000),
    }
    """

  /// One call.
  package struct Call: Sendable {
    package var group: [UInt8]
    package var quota: SharedQuota
    /// Nil where there is only something to settle.
    package var need: Need?
    package var settlement: SharedSettlement

    package init(group: [UInt8], quota: SharedQuota, need: Need?, settlement: SharedSettlement) {
      self.group = group
      self.quota = quota
      self.need = need
      self.settlement = settlement
    }
  }

  /// Writes the command that makes `call`.
  ///
  /// - Parameters:
  ///   - digest: the script's SHA-1 in hexadecimal; empty: the script itself is sent.
  ///   - pod: who asks.
  ///   - prefix: what the keys' names begin with.
  package static func write(
    _ call: Call, digest: Span<UInt8>, pod: Span<UInt8>, prefix: Span<UInt8>, into out: inout ByteQueue
  ) {
    let settlement = call.settlement
    RESP.command(words: 3 + 4 + 11 + 3 * (settlement.slots.count + settlement.spans.count), into: &out)
    if digest.isEmpty {
      RESP.word("EVAL", into: &out)
      RESP.word(text, into: &out)
    } else {
      RESP.word("EVALSHA", into: &out)
      RESP.word(digest, into: &out)
    }
    RESP.word(4, into: &out)
    // One hash tag, so that a cluster keeps them together.
    for part in [":r", ":t", ":b", ":p"] as [StaticString] {
      var key = ByteQueue()
      key.append(prefix)
      key.append(":{")
      key.append(call.group)
      key.append("}")
      key.append(part)
      RESP.word(key.bytes, into: &out)
    }
    func number(_ value: UInt64) { RESP.word(Int(min(value, most)), into: &out) }
    let need = call.need ?? Need()
    RESP.word(pod, into: &out)
    RESP.word(call.need == nil ? 0 : 1, into: &out)
    number(call.quota.requests)
    number(need.tokens)
    number(call.quota.tokens)
    number((UInt64(clamping: need.cost) + 999) / 1000)
    number(call.quota.budget)
    number(UInt64(clamping: call.quota.per))
    RESP.word(need.isBounded ? 1 : 0, into: &out)
    RESP.word(settlement.slots.count, into: &out)
    RESP.word(settlement.spans.count, into: &out)
    for slot in settlement.slots {
      RESP.word(Int(slot.slot), into: &out)
      RESP.word(Int(slot.requests), into: &out)
      RESP.word(Int(slot.tokens), into: &out)
    }
    for span in settlement.spans {
      RESP.word(Int(span.per), into: &out)
      RESP.word(Int(span.start), into: &out)
      RESP.word(Int(span.cost / 1000), into: &out)
    }
  }
}
