"""Sample calls of `user_repo`."""

from contract.calls import call

ID = "11111111-2222-3333-4444-555555555555"

CALLS = [
    call("user_repo.get_auth_status"),
    call("user_repo.set_up_admin", "a@host.org", "Secret12", display_name="Admin"),
    call("user_repo.log_in", "a@host.org", "Secret12", remember=False),
    call("user_repo.log_out"),
    call("user_repo.get_me"),
    call("user_repo.update_me", display_name="New"),
    call("user_repo.update_me", current_password="Secret12", new_password="Secret34"),
    call("user_repo.generate_password"),
    call("user_repo.list_users"),
    call("user_repo.get_user", ID),
    call("user_repo.create_user", "b@host.org", "Secret12", is_admin=True),
    call(
        "user_repo.update_user",
        ID,
        display_name="B",
        password="Secret34",
        is_admin=False,
        is_active=True,
    ),
    call("user_repo.delete_user", ID),
]
