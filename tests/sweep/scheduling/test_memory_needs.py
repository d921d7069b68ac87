"""Which servers an item may fit that ran out of memory elsewhere."""

from __future__ import annotations

from invokeai_py_client.sweep.scheduling.memory import MemoryNeeds

CUDA = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of "


def test_a_server_that_never_ran_out_may_have_more():
    needs = MemoryNeeds()
    needs.ran_out(1, "a", f"{CUDA}8.00 GiB of which 1.00 MiB is free.")
    assert needs.largest_for(1, ["a", "b"]) == "b"
    assert needs.largest_for(1, ["a"]) == ""


def test_servers_are_compared_by_what_they_said():
    needs = MemoryNeeds()
    needs.ran_out(1, "a", f"{CUDA}8.00 GiB of which")
    needs.ran_out(2, "b", f"{CUDA}24.00 GiB of which")
    needs.ran_out(3, "c", f"{CUDA}900.00 MiB of which")
    assert needs.largest_for(1, ["a", "b", "c"]) == "b"
    assert needs.largest_for(2, ["a", "b", "c"]) == ""
    assert needs.largest_for(3, ["a", "b", "c"]) == "b"
    assert needs.largest_for(3, ["a", "c"]) == "a"
    assert needs.largest_for(3, ["a", "b", "c", "new"]) == "new"


def test_of_servers_that_do_not_say_one_that_ran_out_is_not_larger():
    needs = MemoryNeeds()
    needs.ran_out(1, "a", "MPS backend out of memory")
    needs.ran_out(2, "b", "MPS backend out of memory")
    assert needs.largest_for(1, ["a", "b"]) == ""
    assert needs.largest_for(1, ["a", "b", "c"]) == "c"
