"""What a client asks of a server before everything else."""

from __future__ import annotations

from flow_play import Play

from invokeai_py_client._core.server_flows import check_server


class Mailbox:
    is_closed = False

    def close(self):
        self.is_closed = True


def answer(request):
    return 200, {"multiuser_enabled": True} if "auth" in request.path else {}


def test_the_mailbox_that_shows_that_events_work_is_closed():
    play = Play(answer)
    play.mailbox = Mailbox()
    checked = play.run(check_server())
    assert (checked.version, checked.has_events) == ("6.14.2", True)
    assert play.mailbox.is_closed


def test_a_server_without_an_event_socket_is_checked_as_well():
    checked = Play(answer).run(check_server())
    assert checked.has_events is False
