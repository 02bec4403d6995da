#include <algorithm>
#include <concepts>
#include <limits>
#include <sstream>
#include <type_traits>

#include "core/secret.hpp"
#include "core/signing_key.hpp"
#include "tests/unit/allocation_watch.hpp"
#include "tests/unit/support.hpp"

using namespace blobvalet;
using namespace blobvalet::testing;

namespace {

template <class T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};
template <class T>
concept Comparable = requires(const T& a, const T& b) {
  a == b;
};

template <class T>
constexpr bool kMoveOnly = !std::is_copy_constructible_v<T> && !std::is_copy_assignable_v<T> &&
                           std::is_nothrow_move_constructible_v<T> && !Printable<T>;
static_assert(kMoveOnly<SecretBytes>);
static_assert(kMoveOnly<AccountKey>);
static_assert(kMoveOnly<UserDelegationKey>);
static_assert(kMoveOnly<SigningKey>);
// Comparing secrets byte by byte tells by its time where they differ.
static_assert(!Comparable<SecretBytes> && !Comparable<AccountKey> && !Comparable<UserDelegationKey>);
static_assert(Printable<std::string>, "the concept must be able to hold");
static_assert(!std::is_convertible_v<SecretBytes, std::string>);
static_assert(!std::is_convertible_v<SecretBytes, std::string_view>);
static_assert(!std::is_convertible_v<std::size_t, SecretBytes>);

bool all_zero(std::span<const unsigned char> bytes) {
  return std::ranges::all_of(bytes, [](unsigned char byte) { return byte == 0; });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(secret_tests)

BOOST_AUTO_TEST_CASE(new_bytes_are_zero) {
  SecretBytes bytes(48);
  BOOST_TEST(bytes.size() == 48U);
  BOOST_TEST(all_zero(bytes.reveal()));
  BOOST_TEST(SecretBytes().size() == 0U);
  BOOST_TEST(SecretBytes(0).reveal().empty());
}

// OpenSSL takes a null key for "the same as before".
BOOST_AUTO_TEST_CASE(no_bytes_have_an_address) {
  BOOST_TEST(SecretBytes(0).reveal().data() != nullptr);
  BOOST_TEST(SecretBytes().reveal().data() == nullptr);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_had_is_no_block) {
  BOOST_CHECK_THROW(SecretBytes(std::numeric_limits<std::size_t>::max() / 2), std::bad_alloc);
}

BOOST_AUTO_TEST_CASE(moving_leaves_nothing_behind) {
  SecretBytes from = secret("correct horse");
  const unsigned char* place = from.reveal().data();
  SecretBytes to(std::move(from));
  BOOST_TEST(from.size() == 0U);  // NOLINT(bugprone-use-after-move): that is what is tested
  BOOST_TEST(from.reveal().empty());
  BOOST_TEST(to.size() == 13U);
  BOOST_TEST(to.reveal().data() == place, "moving must not make a second copy");
}

BOOST_AUTO_TEST_CASE(assigning_wipes_what_was_there) {
  SecretBytes to = secret("old secret");
  const DeleteWatch old(to.reveal().data(), to.size());
  to = secret("new");
  BOOST_TEST(old.deleted());
  BOOST_TEST(old.was_wiped());
  BOOST_TEST(to.size() == 3U);
  BOOST_TEST(to.reveal()[0] == 'n');
}

BOOST_AUTO_TEST_CASE(assigning_to_itself_changes_nothing) {
  SecretBytes bytes = secret("abc");
  SecretBytes& same = bytes;
  bytes = std::move(same);
  BOOST_TEST(bytes.size() == 3U);
  BOOST_TEST(bytes.reveal()[2] == 'c');
}

BOOST_AUTO_TEST_CASE(bytes_are_wiped_before_they_are_freed) {
  auto bytes = std::make_unique<SecretBytes>(secret("hunter2hunter2"));
  const DeleteWatch watch(bytes->reveal().data(), bytes->size());
  bytes.reset();
  BOOST_TEST(watch.deleted());
  BOOST_TEST(watch.was_wiped());
}

// The whole block is wiped, also what shrink() cut off.
BOOST_AUTO_TEST_CASE(shrinking_wipes_the_rest) {
  SecretBytes bytes = secret("0123456789");
  const std::span<const unsigned char> all = bytes.reveal();
  bytes.shrink(4);
  BOOST_TEST(bytes.size() == 4U);
  BOOST_TEST(bytes.reveal()[3] == '3');
  BOOST_TEST(all_zero(all.subspan(4)));
  bytes.shrink(9);
  BOOST_TEST(bytes.size() == 4U, "shrink never grows");

  const DeleteWatch watch(all.data(), all.size());
  bytes = SecretBytes();
  BOOST_TEST(watch.was_wiped());
}

BOOST_AUTO_TEST_CASE(the_watch_can_see_what_was_not_wiped) {
  auto plain = std::make_unique<unsigned char[]>(4);
  plain[2] = 7;
  const DeleteWatch watch(plain.get(), 4);
  plain.reset();
  BOOST_TEST(watch.deleted());
  BOOST_TEST(!watch.was_wiped());
}

BOOST_AUTO_TEST_SUITE_END()
