"""A file must be as big as its revision, within two percent."""

from fabroute.inventory.rules import Size, size_differences


def a_size(*, box_mm: tuple[float, float, float] = (100, 50, 10), volume_cm3: float = 20) -> Size:
    return Size(box_x_mm=box_mm[0], box_y_mm=box_mm[1], box_z_mm=box_mm[2], volume_cm3=volume_cm3)


def test_a_file_within_two_percent_in_all_figures_is_the_revision() -> None:
    assert size_differences(file=a_size(), revision=a_size()) == ()
    assert size_differences(file=a_size(box_mm=(102, 49, 9.8), volume_cm3=20.4), revision=a_size()) == ()


def test_each_figure_that_is_further_off_is_named_with_both_values() -> None:
    file = a_size(box_mm=(102.1, 48.9, 10), volume_cm3=19.5)
    assert size_differences(file=file, revision=a_size()) == (
        "x is 102.1 mm instead of 100 mm",
        "y is 48.9 mm instead of 50 mm",
        "volume is 19.5 cm³ instead of 20 cm³",
    )
    assert size_differences(file=a_size(box_mm=(100, 50, 9.7)), revision=a_size()) == ("z is 9.7 mm instead of 10 mm",)
