// What the compiler must refuse: a buffer's bytes in use when the buffer changes, or longer than it lives. `Tests/run lint`
// compiles this page, which is in no target, and holds what the compiler says of it against the lines that are marked.

import Wire

final class Holder {
  var queue = ByteQueue()
}

func takesBytesOfAnObject(_ holder: Holder, _ other: inout ByteQueue) {
  let bytes = holder.queue.bytes  // expected-error {{lifetime-dependent variable 'bytes' escapes its scope}}
  // expected-note@-1 {{it depends on this scoped access to variable 'queue'}}
  holder.queue.removeAll()
  other.append(bytes)  // expected-note {{this use of the lifetime-dependent value is out of scope}}
}

func changesWhatIsInUse(_ other: inout ByteQueue) {
  var queue = ByteQueue()
  let bytes = queue.bytes  // expected-note {{conflicting access is here}}
  // expected-error@+1 {{overlapping accesses to 'queue', but modification requires exclusive access}}
  queue.removeAll()
  other.append(bytes)
}

func appendsToItself(_ queue: inout ByteQueue) {
  // expected-error@+1 {{overlapping accesses to 'queue'}} expected-note@+1 {{conflicting access is here}}
  queue.append(queue.bytes)
}

/// What gives an object's bytes is `unsafe`, and has to be called so.
func promisesNothing(_ holder: Holder, _ other: inout ByteQueue) {
  // expected-warning@+1 {{expression uses unsafe constructs but is not marked with 'unsafe'}}
  let bytes = holder.queue.view  // expected-note {{reference to unsafe property 'view'}}
  holder.queue.removeAll()
  other.append(bytes)
}

// expected-error@+2 {{lifetime-dependent variable 'kept' escapes its scope}}
// expected-note@+1 {{it depends on the lifetime of argument 'queue'}}
func keepsWhatIsBorrowed(_ queue: borrowing ByteQueue, in kept: inout Span<UInt8>) {
  kept = queue.bytes
}  // expected-note {{this use causes the lifetime-dependent value to escape}}
