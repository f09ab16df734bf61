// Certificates for one test run, made by the openssl command: good ones, and each kind of bad one.

import Glibc
import Testing
import Transport

/// Paths of PEM files, all in the run's own directory.
struct Certificates: Sendable {
  /// Nil, with a note in the output, where they can't be made.
  static let shared = Certificates()

  private let directory: String

  var authority: String { path("ca.pem") }
  var otherAuthority: String { path("other-ca.pem") }

  func path(_ name: String) -> String { directory + "/" + name }

  /// What a server, or a client, shows.
  func profile(_ name: String, trusting caFile: String? = nil) -> TLSProfile {
    TLSProfile(caFile: caFile, certificateFile: path(name + ".pem"), keyFile: path(name + ".key"))
  }

  private init?() {
    directory = Scratch.shared.file("certificates")
    let log = directory + "/log"
    let status = unsafe system(
      "mkdir '\(directory)' && cd '\(directory)' && (\(Self.script)) > '\(log)' 2>&1")
    if status != 0 {
      print("ABSENT: the openssl command could not make certificates; see \(log)")
      return nil
    }
  }

  private static let script = """
    set -e
    key='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
    authority() {
      openssl req -x509 $key -keyout $1.key -out $1.pem -days 30 -subj "/CN=$2" \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign
    }
    authority ca 'Throwaway CA'
    authority other-ca 'Other CA'
    cat > ca.cnf <<END
    [ca]
    default_ca = d
    [d]
    dir = .
    database = index.txt
    new_certs_dir = .
    serial = serial
    certificate = ca.pem
    private_key = ca.key
    default_md = sha256
    policy = p
    unique_subject = no
    [p]
    commonName = supplied
    END
    : > index.txt
    echo 1000 > serial
    leaf() {
      openssl req -new $key -keyout $1.key -out $1.csr -subj "/CN=$2"
      echo "extendedKeyUsage=serverAuth,clientAuth" > $1.ext
      if test -n "$3"; then echo "subjectAltName=$3" >> $1.ext; fi
      openssl ca -batch -notext -config ca.cnf -in $1.csr -out $1.pem -extfile $1.ext \
        -startdate ${4:-20200101000000Z} -enddate ${5:-20991231000000Z}
    }
    leaf good good DNS:localhost
    leaf expired expired DNS:localhost 20200101000000Z 20210101000000Z
    leaf future future DNS:localhost 20980101000000Z 20991231000000Z
    leaf other other DNS:other.test,DNS:another.test
    leaf ip ip IP:127.0.0.1,IP:::1
    leaf wild wild 'DNS:*.example.test'
    leaf partial partial 'DNS:f*.example.test'
    leaf cn localhost ''
    openssl req -x509 $key -keyout self.key -out self.pem -days 30 -subj /CN=self -addext subjectAltName=DNS:localhost
    """
}
