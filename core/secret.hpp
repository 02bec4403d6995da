#pragma once
#include <cstddef>
#include <memory>
#include <ostream>
#include <span>
#include <string_view>

namespace blobvalet {

/// Bytes that must not leak: moved but never copied, wiped when they go, and impossible to print.
///
/// They live in OpenSSL's secure heap: memory that is never swapped out nor part of a core image, between
/// guard pages. If the program has not set it up they live in the ordinary heap; so do those that find it
/// full, see on_secret_overflow().
class SecretBytes {
 public:
  SecretBytes() = default;
  /// Holds `size` zero bytes, to be filled through reveal_mutable(). Throws std::bad_alloc.
  explicit SecretBytes(std::size_t size);
  ~SecretBytes() = default;
  SecretBytes(SecretBytes&& other) noexcept;
  SecretBytes& operator=(SecretBytes&& other) noexcept;
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;

  [[nodiscard]] std::size_t size() const { return size_; }
  /// The only ways to the bytes; grep for them to see every reader.
  [[nodiscard]] std::span<const unsigned char> reveal() const { return {bytes_.get(), size_}; }
  [[nodiscard]] std::span<unsigned char> reveal_mutable() { return {bytes_.get(), size_}; }
  /// Keeps the first `size` bytes; the rest is wiped.
  void shrink(std::size_t size);

 private:
  struct WipeAndFree {
    std::size_t capacity;  ///< in bytes
    void operator()(unsigned char* bytes) const;
  };
  std::unique_ptr<unsigned char[], WipeAndFree> bytes_;
  std::size_t size_ = 0;
};

std::ostream& operator<<(std::ostream&, const SecretBytes&) = delete;

/// reveal() for secrets that are text, such as tokens and passwords.
[[nodiscard]] inline std::string_view reveal_text(const SecretBytes& secret) {
  return {reinterpret_cast<const char*>(secret.reveal().data()), secret.size()};
}

/// Has `report` called, by whichever thread it happens to, for each SecretBytes that found the secure heap
/// full. It lives in the ordinary heap then: a full heap must not stop uploads, but somebody has to hear of
/// it. Null: nobody.
void on_secret_overflow(void (*report)());

}  // namespace blobvalet
