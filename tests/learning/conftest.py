"""What all tests of learning share."""

import pytest
import torch


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """One thread: sums are then in one order, and small networks are fastest where other work goes on."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
