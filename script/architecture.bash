# shellcheck shell=bash disable=SC2034 # the variables are for who sources this
# architecture ARCH sets what others call an architecture that is built by Debian's
# cross compilers; false if it is none of them:
#
#   triplet, flags         the compiler's name in front of -gcc, and what it needs
#   goarch, goarm, go386   Go's names
#   nfpm                   that of the program that makes packages; empty if there are none
#   qemu, machine          the emulator's, and what file(1) says
architecture() {
  goarm='' go386='' flags=''
  case $1 in
    arm64) triplet=aarch64-linux-gnu goarch=arm64 nfpm=arm64 qemu=aarch64 machine='64-bit LSB .*ARM aarch64' ;;
    armhf) triplet=arm-linux-gnueabihf goarch=arm goarm=7 nfpm=arm7 qemu=arm machine='32-bit LSB .*ARM, EABI5' ;;
    armel) triplet=arm-linux-gnueabi goarch=arm goarm=5 nfpm=arm5 qemu=arm machine='32-bit LSB .*ARM, EABI5' ;;
    i386) triplet=i686-linux-gnu goarch=386 go386=sse2 nfpm=386 qemu=i386 machine='32-bit LSB .*Intel (i386|80386)' ;;
    ppc64le) triplet=powerpc64le-linux-gnu goarch=ppc64le nfpm=ppc64le qemu=ppc64le machine='64-bit LSB .*PowerPC' ;;
    riscv64) triplet=riscv64-linux-gnu goarch=riscv64 nfpm=riscv64 qemu=riscv64 machine='64-bit LSB .*RISC-V' ;;
    s390x) triplet=s390x-linux-gnu goarch=s390x nfpm=s390x qemu=s390x machine='64-bit MSB .*IBM S/390' ;;
    amd64-musl)
      triplet=musl goarch=amd64 nfpm='' qemu=x86_64 machine='64-bit LSB .*x86-64'
      # musl's compiler does not find the kernel's headers by itself.
      flags="-idirafter /usr/include -idirafter /usr/include/x86_64-linux-gnu"
      ;;
    *) return 1 ;;
  esac
}
