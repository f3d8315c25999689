"""What tests of the search and its objective share."""

import pytest
from searching import drawn
from speaker import Speaker


@pytest.fixture(scope="module")
def speaker():
    return Speaker()


@pytest.fixture(scope="module")
def levels():
    return drawn()
