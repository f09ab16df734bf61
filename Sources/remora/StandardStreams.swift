// Standard input, output and errors, there whatever the process was started with.

import Glibc

enum StandardStreams {
  /// Opens `/dev/null` for each of the three that is closed.
  ///
  /// Else the next file or socket that is opened would get its number, and what is meant for a terminal would be
  /// written into it: the access log into a client's connection, an error into a provider's. Call it before
  /// anything else is opened.
  static func keep() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where isClosed(descriptor) {
      // The lowest free number is given (open(2)), and those below are open by now. Not O_CLOEXEC, like the three
      // of a shell. A root directory stands in where no devices are: what is written to it is refused.
      if unsafe open("/dev/null", O_RDWR) < 0 { _ = unsafe open("/", O_RDONLY) }
    }
  }

  private static func isClosed(_ descriptor: Int32) -> Bool {
    fcntl(descriptor, F_GETFD) < 0 && errno == EBADF
  }
}
