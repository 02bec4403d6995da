#define BOOST_TEST_MODULE blobvalet
#include <boost/test/unit_test.hpp>
