// How long the national numbers of each calling code are (ITU-T E.164; lengths as the numbering plans in use have them).

enum CallingCodes {
  /// The lengths that numbers with these first three digits may have with their code, a bit for each; 0 where there is
  /// no such code. No code begins with another.
  static func lengths(_ first: Int) -> UInt32 {
    let table = table
    return first >= 0 && first < table.count ? table[first] : 0
  }

  private static let table: [UInt32] = {
    var table = [UInt32](repeating: 0, count: 1000)
    for line in plan.split(separator: "\n") {
      let words = line.split(separator: " ")
      var bits: UInt32 = 0
      for length in words.dropFirst() { bits |= 1 << (UInt32(length) ?? 0) }
      guard let codes = words.first else { continue }
      for code in codes.split(separator: ",") {
        guard let first = Int(code), first < 1000 else { continue }
        let width = code.utf8.count
        let rest = width == 1 ? 100 : width == 2 ? 10 : 1
        for place in first * rest..<(first + 1) * rest { table[place] = bits << UInt32(width) }
      }
    }
    return table
  }()

  /// Codes, and the lengths of their numbers.
  private static let plan = """
    290 4 5
    690 4 5 6 7
    352 4 5 6 7 8 9 10 11
    43 4 5 6 7 8 9 10 11 12 13
    683 4 7
    247,500,682 5
    688 5 6 7
    27 5 6 7 8 9
    358 5 6 7 8 9 10
    971 5 6 7 8 9 10 11 12
    49 5 6 7 8 9 10 11 12 13 14 15
    685 5 6 7 10
    82 5 6 8 9 10 11 12 13 14
    676,677,678 5 7
    686 5 8
    298,299,672,687 6
    597 6 7
    386 6 7 8
    46,252 6 7 8 9
    95,880 6 7 8 9 10
    375 6 7 8 9 10 11
    39,381 6 7 8 9 10 11 12
    598 6 7 8 9 10 11 12 13
    359 6 7 8 9 12
    53 6 7 8 10
    421 6 7 9
    98 6 7 10
    376 6 8 9
    63 6 8 9 10 11 12 13
    40,508,681 6 9
    238,239,246,248,269,291,297,592,673,674,680,691,692 7
    241,599,670,675,853,961,965,975 7 8
    231,355,385,967,968 7 8 9
    243,254,353 7 8 9 10
    31,595 7 8 9 10 11
    86,882,972 7 8 9 10 11 12
    62 7 8 9 10 11 12 13 14 15 16 17
    974 7 8 9 11
    230,267,372 7 8 10
    507 7 8 10 11
    503 7 8 11
    220,245,265,354,423 7 9
    44,48,61,263 7 9 10
    960 7 10
    501,679 7 11
    45,47,216,222,223,226,227,228,232,235,236,253,257,266,268,350,356,357,370,371,373,374,389 8
    505,509,800,808,973,993 8
    32,36,51,213,224,233,237,250,258,264,377,382,387,591,689,852,962,963 8 9
    20,60,64,84,855,856,964,970,976 8 9 10
    92,593,886 8 9 10 11
    383,883 8 9 10 11 12
    91 8 9 10 11 12 13
    81 8 9 10 11 12 13 14 15 16 17
    66 8 9 10 13
    378,506,850 8 10
    57,65,977 8 10 11
    502,504 8 11
    33,34,41,93,94,211,212,218,221,240,242,244,249,251,255,256,260,261,262,351,420,590,594 9
    596,979,992,994,995,998 9
    380,881,966,996 9 10
    55 9 10 11
    56 9 11
    870 9 12
    1,52,58,225,229 10
    54 10 11
    30 10 11 12
    234 10 11 12 13 14
    90 10 12 13
    7 10 14
    888 11
    878 12
    """
}
