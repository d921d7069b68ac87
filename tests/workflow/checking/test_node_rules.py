"""The server's own rules of single nodes, at their limits."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from invokeai_py_client.workflow.checking.node_rules import rules_of


def broken(node_type: str, **values: Any) -> list[Optional[str]]:
    """What is allowed instead, for each rule that the values break."""
    found = (rule.check(values) for rule in rules_of(node_type))
    return [problem.allowed for problem in found if problem is not None]


@pytest.mark.parametrize("operation", ["DIV", "MOD"])
def test_integers_are_not_divided_by_zero(operation):
    assert broken("integer_math", operation=operation, b=0) != []
    assert broken("integer_math", operation=operation, b=1) == []
    assert broken("integer_math", operation=operation, b=-1) == []


def test_an_exponent_of_integers_may_be_zero():
    assert broken("integer_math", operation="EXP", b=0) == []
    assert broken("integer_math", operation="EXP", b=-1) != []
    assert broken("integer_math", operation="ADD", b=0) == []


@pytest.mark.parametrize(
    ("first", "second", "allowed"),
    [
        (-2, 0.5, "a negative number has no such root"),
        (-2, 2, None),
        (-2, -2, None),
        # Zero has every root, and every power but a negative one.
        (0, 0.5, None),
        (0, 0, None),
        (0, -1, "zero has no negative power"),
        (4, -0.5, None),
        (1e300, 2, "a power of at most 1.8e308"),
        (1e150, 2, None),
    ],
)
def test_powers_of_floats(first, second, allowed):
    wanted = [] if allowed is None else [allowed]
    assert broken("float_math", operation="EXP", a=first, b=second) == wanted


def test_floats_are_not_divided_by_zero():
    assert broken("float_math", operation="DIV", a=1, b=0) == ["no division by zero"]
    assert broken("float_math", operation="DIV", a=0, b=0.5) == []
    assert broken("float_math", operation="ADD", a=1, b=0) == []


def test_a_panel_is_one_of_those_there_are():
    panels = {"num_cols": 3, "num_rows": 2, "panel_row_idx": 0}
    for column in (0, 2):
        assert broken("image_panel_layout", panel_col_idx=column, **panels) == []
    for column in (-1, 3):
        assert broken("image_panel_layout", panel_col_idx=column, **panels) == [
            "0 to 2, since num_cols is 3"
        ]


@pytest.mark.parametrize(
    ("node_type", "field", "fine", "refused"),
    [
        ("ip_adapter", "weight", [-1, 2, [0, 1], "2"], [-1.01, 2.01, [0, 3]]),
        ("t2i_adapter", "weight", [0, 2], [-0.01, 2.01]),
        ("denoise_latents", "cfg_scale", [1, 1e308, [1, 2]], [0.99, [2, 0]]),
        ("krea2_denoise", "shift", [0, -5, 1e308], ["nan", "inf", "-inf"]),
    ],
)
def test_numbers_have_limits_and_their_limits_are_allowed(
    node_type, field, fine, refused
):
    for value in fine:
        assert broken(node_type, **{field: value}) == [], value
    for value in refused:
        assert len(broken(node_type, **{field: value})) == 1, value


def test_a_range_ends_after_its_start():
    assert broken("range", start=5, stop=6) == []
    assert broken("range", start=5, stop=5) == ["a stop above start (5)"]
    assert broken("range", start=0, stop=0) != []
    # What cannot be read is another rule's.
    assert broken("range", start="x", stop=1) == []


@pytest.mark.parametrize("node_type", ["controlnet", "flux_controlnet", "ip_adapter"])
def test_steps_begin_before_they_end_or_at_once(node_type):
    for begin, end in ((0, 0), (0.5, 0.5), (0, 1)):
        assert broken(node_type, begin_step_percent=begin, end_step_percent=end) == []
    assert broken(node_type, begin_step_percent=0.51, end_step_percent=0.5) == [
        "at most end_step_percent (0.5)"
    ]


def test_a_custom_label_is_a_string_with_something_in_it():
    custom = {"label": "* CUSTOM LABEL *"}
    assert broken("metadata_to_float", **custom, custom_label="mine") == []
    assert broken("metadata_to_float", label="width") == []
    for given in (None, "", "  "):
        assert len(broken("metadata_to_float", **custom, custom_label=given)) == 1


def test_each_bounding_box_has_its_list_of_points():
    def words(boxes, points):
        values = {"bounding_boxes": boxes, "point_lists": points}
        return broken("segment_anything", **values)

    assert words([1, 2], [3, 4]) == []
    assert words([], []) == []
    assert words([1, 2], [3]) == ["as many lists as bounding_boxes (2)"]
    # One of them alone is fine.
    for boxes, points in ((None, [1]), ([1], None), (None, None)):
        assert words(boxes, points) == []


@pytest.mark.parametrize("ids", ["", "1", "1,22,3", ",1", "1\n"])
def test_face_ids_are_integers_with_commas(ids):
    assert broken("face_mask_detection", face_ids=ids) == []


@pytest.mark.parametrize("ids", ["x", "1,", "1, 2", "-1", "1;2"])
def test_other_face_ids_are_refused(ids):
    assert len(broken("face_mask_detection", face_ids=ids)) == 1


def test_values_of_a_called_workflow_are_an_object():
    assert broken("call_saved_workflow", workflow_inputs={"a": 1}) == []
    assert broken("call_saved_workflow") == []
    assert broken("call_saved_workflow", workflow_inputs=[]) == ["an object"]


def test_most_nodes_have_no_rule():
    assert rules_of("add") == ()
