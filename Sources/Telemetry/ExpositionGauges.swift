// The metrics that the process counts, and not its workers: limits, targets, budgets' files, audit logs.

internal import Wire

extension Page {
  /// What is left of the limits.
  func allowances(_ allowances: [AllowanceGauge], into out: inout ByteQueue) {
    announce(.limitRemaining, into: &out)
    for gauge in allowances {
      for (limit, left) in [
        (LimitKind.requestsPerMinute, gauge.requests), (.tokensPerMinute, gauge.tokens),
        (.concurrentRequests, gauge.concurrency),
      ] {
        guard let left else { continue }
        scope(.limitRemaining, gauge.group, limit: limit, into: &out)
        out.append(decimal: left)
        out.append(ASCII.lf)
      }
    }
    for (family, value) in [
      (Family.budgetLimit, \AllowanceGauge.budgetLimit), (.budgetRemaining, \.budgetLeft),
    ] {
      announce(family, into: &out)
      for gauge in allowances {
        guard let nanodollars = gauge[keyPath: value] else { continue }
        scope(family, gauge.group, limit: nil, into: &out)
        out.append(nanodollars, places: 9)
        out.append(ASCII.lf)
      }
    }
  }

  /// Until when certificates are good, and since when files are in use.
  func certificates(_ snapshot: MetricSnapshot, into out: inout ByteQueue) {
    announce(.certificateExpiry, into: &out)
    for (name, end) in snapshot.certificates {
      self.name(.certificateExpiry, into: &out)
      out.append("{name=\"")
      escape(name, into: &out)
      out.append("\"} ")
      out.append(decimal: end)
      out.append(ASCII.lf)
    }
    announce(.secretLoad, into: &out)
    for (name, nanoseconds) in snapshot.secretLoads {
      self.name(.secretLoad, into: &out)
      out.append("{secret=\"")
      escape(name, into: &out)
      out.append("\"} ")
      out.append(seconds: nanoseconds)
      out.append(ASCII.lf)
    }
    announce(.loadFailures, into: &out)
    for (name, counts) in snapshot.loadFailures.all {
      for (reason, count) in zip(LoadFailure.allCases, counts) {
        self.name(.loadFailures, into: &out)
        out.append("{secret=\"")
        escape(name, into: &out)
        out.append("\",reason=\"")
        out.append(reason.name)
        out.append("\"} ")
        out.append(decimal: count)
        out.append(ASCII.lf)
      }
    }
  }

  /// How the targets are doing that the configuration names.
  func targets(_ targets: [TargetGauge], into out: inout ByteQueue) {
    announce(.targetState, into: &out)
    for gauge in targets {
      target(.targetState, gauge, into: &out)
      out.append("\"} ")
      out.append(decimal: Int(gauge.state.rawValue))
      out.append(ASCII.lf)
    }
    announce(.targetTransitions, into: &out)
    for gauge in targets {
      for (state, count) in zip(TargetState.allCases, gauge.transitions) {
        target(.targetTransitions, gauge, into: &out)
        out.append("\",to=\"")
        out.append(state.name)
        out.append("\"} ")
        out.append(decimal: count)
        out.append(ASCII.lf)
      }
    }
  }

  private func target(_ family: Family, _ gauge: TargetGauge, into out: inout ByteQueue) {
    name(family, into: &out)
    out.append("{provider=\"")
    escape(gauge.provider, into: &out)
    out.append("\",model=\"")
    escape(gauge.model, into: &out)
  }

  func state(_ problems: (read: Int, write: Int), into out: inout ByteQueue) {
    announce(.stateProblems, into: &out)
    for (kind, count) in [("read" as StaticString, problems.read), ("write", problems.write)] {
      name(.stateProblems, into: &out)
      out.append("{kind=\"")
      out.append(kind)
      out.append("\"} ")
      out.append(decimal: count)
      out.append(ASCII.lf)
    }
  }

  func audit(_ snapshot: MetricSnapshot, into out: inout ByteQueue) {
    single(.auditLines, snapshot.audit.lines, into: &out)
    single(.auditDropped, snapshot.audit.dropped, into: &out)
    single(.auditErrors, snapshot.audit.errors, into: &out)
    single(.auditQueue, snapshot.audit.queued, into: &out)
    announce(.auditLast, into: &out)
    for (policy, number) in snapshot.auditSequences {
      name(.auditLast, into: &out)
      out.append("{policy=\"")
      LabelText.append(policy.span, into: &out)
      out.append("\"} ")
      out.append(decimal: number)
      out.append(ASCII.lf)
    }
  }

  private func scope(_ family: Family, _ group: String, limit: LimitKind?, into out: inout ByteQueue) {
    out.append(family.name)
    out.append("{scope=\"")
    out.append(group.isEmpty ? LimitScope.pod.name : LimitScope.group.name)
    out.append("\",group=\"")
    escape(group, into: &out)
    if let limit {
      out.append("\",limit=\"")
      out.append(limit.name)
    }
    out.append("\"} ")
  }
}
