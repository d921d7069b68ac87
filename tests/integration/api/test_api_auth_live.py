"""Accounts on a server with several users, through both clients."""

from __future__ import annotations

import uuid

import pytest
from paths import NO_SUCH_ID

from invokeai_py_client._aio.client import AsyncInvokeAIClient
from invokeai_py_client.client import InvokeAIClient
from invokeai_py_client.exceptions import (
    APIStatusError,
    AuthenticationError,
    NotFoundError,
    PermissionDeniedError,
    UnprocessableEntityError,
)

from ..noun_calls import done

pytestmark = pytest.mark.live

ADMIN = ("admin@host.org", "Secret12x")


@pytest.fixture(scope="module")
def users_server(start_server):
    """A server with accounts, strict about passwords, and an administrator."""
    settings = {"strict_password_checking": True}
    with start_server(multiuser=True, settings=settings) as server:
        with InvokeAIClient.from_url(server.url) as client:
            users = client.user_repo
            before = users.get_auth_status()
            assert (before.multiuser_enabled, before.setup_required) == (True, True)
            with pytest.raises(APIStatusError, match="400: Password must") as caught:
                users.set_up_admin(ADMIN[0], "weak")
            assert caught.value.status_code == 400
            admin = users.set_up_admin(*ADMIN, display_name="Boss")
            assert (admin.display_name, admin.is_admin) == ("Boss", True)
            # The client is logged in as it.
            assert users.get_me().user_id == admin.user_id
            with pytest.raises(APIStatusError, match="already configured"):
                users.set_up_admin(*ADMIN)
            assert not users.get_auth_status().setup_required
        yield server


KINDS = {"blocking": InvokeAIClient, "asyncio": AsyncInvokeAIClient}


@pytest.fixture(params=list(KINDS))
def kind(request):
    return KINDS[request.param]


@pytest.fixture
async def connect(kind, users_server):
    """Makes clients of one kind; they are closed afterwards."""
    made = []

    def make(email=None, password=None):
        client = kind(users_server.url, email=email, password=password)
        made.append(client)
        return client

    yield make
    for client in made:
        await done(client.close())


@pytest.fixture
async def admin(connect):
    return connect(*ADMIN)


@pytest.fixture
async def account(admin):
    """A user of this test alone, and the password."""
    email = f"{uuid.uuid4().hex[:8]}@host.org"
    users = admin.user_repo
    user = await done(users.create_user(email, "Secret34x", display_name="Bob"))
    yield user
    if user.user_id in [item.user_id for item in await done(users.list_users())]:
        await done(users.delete_user(user))


async def test_accounts_are_made_changed_and_deleted(admin, account):
    users = admin.user_repo
    assert (account.display_name, account.is_admin) == ("Bob", False)
    assert account.created_at.utcoffset().total_seconds() == 0
    assert await done(users.get_user(account.user_id)) == account
    assert account in await done(users.list_users())
    changed = await done(users.update_user(account, display_name="Bobby"))
    assert changed.display_name == "Bobby"
    # The answer is 204, without content.
    assert await done(users.delete_user(account)) is None
    for verb in (users.get_user, users.delete_user):
        with pytest.raises(NotFoundError, match="User not found"):
            await done(verb(account.user_id))
    with pytest.raises(NotFoundError):
        await done(users.update_user(NO_SUCH_ID, display_name="x"))


async def test_what_the_server_refuses_says_why(admin, account):
    users = admin.user_repo
    with pytest.raises(APIStatusError, match="already exists"):
        await done(users.create_user(account.email, "Secret34x"))
    with pytest.raises(APIStatusError, match="400: Password must"):
        await done(users.create_user("other@host.org", "weak"))
    with pytest.raises(UnprocessableEntityError, match="email"):
        await done(users.create_user("no address", "Secret34x"))
    me = await done(users.get_me())
    with pytest.raises(APIStatusError, match="last administrator"):
        await done(users.update_user(me, is_admin=False))
    with pytest.raises(APIStatusError, match="last administrator"):
        await done(users.delete_user(me))
    with pytest.raises(ValueError, match="something to change"):
        await done(users.update_user(me))


async def test_a_password_of_the_servers_making_is_strong_enough(admin):
    password = await done(admin.user_repo.generate_password())
    email = f"{uuid.uuid4().hex[:8]}@host.org"
    user = await done(admin.user_repo.create_user(email, password))
    assert (user.email, len(password) >= 8) == (email, True)
    await done(admin.user_repo.delete_user(user))


async def test_users_see_only_what_is_theirs(connect, account):
    client = connect(account.email, "Secret34x")
    assert (await done(client.user_repo.get_me())).user_id == account.user_id
    for verb in (
        client.user_repo.list_users,
        client.app_repo.get_log_level,
        client.app_repo.get_runtime_config,
        client.model_repo.list_installs,
        client.model_repo.list_orphaned_models,
        client.model_repo.empty_model_cache,
        client.node_pack_repo.get_node_packs,
        client.queue_repo.pause_processor,
    ):
        with pytest.raises(PermissionDeniedError, match="Admin"):
            await done(verb())
    assert await done(client.model_repo.list_missing_models()) == []


async def test_a_profile_is_changed_by_its_owner(connect, account):
    client = connect(account.email, "Secret34x")
    users = client.user_repo
    named = await done(users.update_me(display_name="Own"))
    assert named.display_name == "Own"
    with pytest.raises(APIStatusError, match="Current password is incorrect"):
        await done(users.update_me(current_password="x", new_password="Secret56x"))
    with pytest.raises(APIStatusError, match="400: Password must"):
        await done(users.update_me(current_password="Secret34x", new_password="weak"))
    with pytest.raises(ValueError, match="together with"):
        await done(users.update_me(new_password="Secret56x"))


async def test_a_new_password_logs_out_every_other_session(connect, account, kind):
    mine, other = connect(account.email, "Secret34x"), connect()
    await done(other.user_repo.log_in(account.email, "Secret34x"))
    assert (await done(other.user_repo.get_me())).email == account.email
    await done(
        mine.user_repo.update_me(current_password="Secret34x", new_password="Secret56x")
    )
    assert (await done(mine.user_repo.get_me())).email == account.email
    with pytest.raises(AuthenticationError):
        await done(other.user_repo.get_me())
    await done(other.user_repo.log_in(account.email, "Secret56x", remember=False))
    assert (await done(other.user_repo.get_me())).email == account.email


async def test_administrators_may_change_their_own_password(connect, admin):
    users = admin.user_repo
    email = f"{uuid.uuid4().hex[:8]}@host.org"
    second = await done(users.create_user(email, "Secret34x", is_admin=True))
    client = connect(email, "Secret34x")
    await done(client.user_repo.update_user(second, password="Secret56x"))
    assert (await done(client.user_repo.get_me())).email == email
    await done(users.delete_user(second))
    with pytest.raises(AuthenticationError):
        await done(client.user_repo.get_me())


async def test_a_disabled_account_is_told_apart_from_a_wrong_password(
    connect, admin, account
):
    client = connect(account.email, "Secret34x")
    assert await done(client.user_repo.get_me())
    await done(admin.user_repo.update_user(account, is_active=False))
    with pytest.raises(PermissionDeniedError, match="disabled"):
        await done(client.user_repo.get_me())
    with pytest.raises(PermissionDeniedError, match="disabled"):
        await done(client.user_repo.log_in(account.email, "Secret34x"))
    await done(admin.user_repo.update_user(account, is_active=True))
    assert await done(client.user_repo.log_in(account.email, "Secret34x"))
    with pytest.raises(AuthenticationError, match="Incorrect"):
        await done(client.user_repo.log_in(account.email, "wrong"))


async def test_logging_out_forgets_who_the_client_is(connect, account):
    client = connect(account.email, "Secret34x")
    await done(client.user_repo.get_me())
    await done(client.user_repo.log_out())
    with pytest.raises(AuthenticationError):
        await done(client.user_repo.get_me())
    assert (await done(client.user_repo.get_auth_status())).multiuser_enabled


@pytest.mark.parametrize("kind", list(KINDS))
async def test_a_server_without_accounts_says_so(kind, live_url):
    client = KINDS[kind](live_url)
    users = client.user_repo
    assert not (await done(users.get_auth_status())).multiuser_enabled
    with pytest.raises(PermissionDeniedError, match="disabled"):
        await done(users.log_in("a@host.org", "x"))
    with pytest.raises(PermissionDeniedError, match="disabled"):
        await done(users.set_up_admin("a@host.org", "Secret12x"))
    for verb in (users.get_me, users.list_users, users.generate_password):
        with pytest.raises(AuthenticationError):
            await done(verb())
    await done(client.close())
