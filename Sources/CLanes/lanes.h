// The two instructions that Swift has no word for: sixteen bytes' top bits as a number, and a product without carries.
// Headers only.

#pragma once

typedef unsigned char lanes_block __attribute__((ext_vector_type(16)));

/// As lanes_top_bits, for machines that have no instruction for it.
static inline __attribute__((always_inline)) unsigned lanes_top_bits_reckoned(lanes_block block) {
  typedef unsigned long long halves __attribute__((ext_vector_type(2)));
  // Each bit of the factor brings another byte's into the product's top byte, and none meets another below it.
  halves top = ((halves)block >> 7) & 0x0101010101010101ull;
  top = (top * 0x0102040810204080ull) >> 56;
  return (unsigned)(top[0] | top[1] << 8);
}

/// A bit for each byte whose top bit is set, the first byte's lowest.
static inline __attribute__((always_inline)) unsigned lanes_top_bits(lanes_block block) {
#if defined(__SSE2__)
  typedef char bytes __attribute__((vector_size(16)));
  return (unsigned)__builtin_ia32_pmovmskb128((bytes)block);
#else
  return lanes_top_bits_reckoned(block);
#endif
}

#if defined(__x86_64__)
#include <cpuid.h>

/// Whether the processor multiplies without carries: PCLMULQDQ, which all have had since 2010, but no baseline asks for.
static inline int lanes_multiplies(void) {
  unsigned a, b, c = 0, d;
  return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_PCLMUL);
}

typedef long long lanes_halves __attribute__((vector_size(16)));

/// Takes `block` on by as many bits as `keys` stand for.
static inline __attribute__((target("pclmul"))) lanes_halves lanes_fold(lanes_halves block, lanes_halves keys) {
  return __builtin_ia32_pclmulqdq128(block, keys, 0x00) ^ __builtin_ia32_pclmulqdq128(block, keys, 0x11);
}

static inline lanes_halves lanes_load(const unsigned char *bytes) {
  lanes_halves block;
  __builtin_memcpy(&block, bytes, sizeof block);
  return block;
}

/// CRC-32 of `count` bytes, a multiple of 16 and 64 at least; `crc` is what came before, inverted, and so is what it gives.
/// Needs `lanes_multiplies`. ("Fast CRC Computation for Generic Polynomials Using PCLMULQDQ", Intel 2009, whose keys these
/// are, bits reversed: what powers of x leave when they are divided by the polynomial.)
static inline __attribute__((target("pclmul"))) unsigned lanes_crc32(
    unsigned crc, const unsigned char *bytes, unsigned long count) {
  const lanes_halves by512 = {0x0154442bd4, 0x01c6e41596}, by128 = {0x01751997d0, 0x00ccaa009e};
  const lanes_halves by64 = {0x0163cd6124, 0}, reduce = {0x01db710641, 0x01f7011641};
  const lanes_halves low = {0xffffffff, 0xffffffff};
  lanes_halves one = lanes_load(bytes), two = lanes_load(bytes + 16);
  lanes_halves three = lanes_load(bytes + 32), four = lanes_load(bytes + 48);
  one ^= (lanes_halves){crc, 0};
  for (bytes += 64, count -= 64; count >= 64; bytes += 64, count -= 64) {
    one = lanes_fold(one, by512) ^ lanes_load(bytes);
    two = lanes_fold(two, by512) ^ lanes_load(bytes + 16);
    three = lanes_fold(three, by512) ^ lanes_load(bytes + 32);
    four = lanes_fold(four, by512) ^ lanes_load(bytes + 48);
  }
  one = lanes_fold(one, by128) ^ two;
  one = lanes_fold(one, by128) ^ three;
  one = lanes_fold(one, by128) ^ four;
  for (; count >= 16; bytes += 16, count -= 16) one = lanes_fold(one, by128) ^ lanes_load(bytes);
  // 128 bits to 96 and to 64, and those by Barrett's way to 32.
  one = (lanes_halves){one[1], 0} ^ __builtin_ia32_pclmulqdq128(one, by128, 0x10);
  unsigned long long lower = (unsigned long long)one[0], upper = (unsigned long long)one[1];
  two = (lanes_halves){(long long)(lower >> 32 | upper << 32), (long long)(upper >> 32)};
  one = __builtin_ia32_pclmulqdq128(one & low, by64, 0x00) ^ two;
  two = __builtin_ia32_pclmulqdq128(one & low, reduce, 0x10);
  two = __builtin_ia32_pclmulqdq128(two & low, reduce, 0x00);
  return (unsigned)((unsigned long long)(one ^ two)[0] >> 32);
}
#endif
