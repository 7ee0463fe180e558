from photofind.model.records import Photo
from photofind.search.hits import Found, merge_raw_pairs, to_hits


def found(path: str, score: float = 0.5) -> Found:
    return Found(Photo(path=path, width=3, height=2, captured="2020"), score, offline=False)


def test_the_raw_and_the_developed_file_of_a_shot_are_one() -> None:
    groups = [[found("/a/1.JPG")], [found("/a/2.jpg")], [found("/a/1.CR2"), found("/b/copy.jpg")]]
    merged = merge_raw_pairs(groups)
    assert [[one.photo.path for one in group] for group in merged] == [
        ["/a/1.JPG", "/a/1.CR2", "/b/copy.jpg"],
        ["/a/2.jpg"],
    ]


def test_files_of_one_name_in_other_folders_or_formats_stay_apart() -> None:
    groups = [[found("/a/1.jpg")], [found("/b/1.dng")], [found("/a/1.png")], [found("/b/1.nef")]]
    assert merge_raw_pairs(groups) == groups


def test_hits_are_numbered_and_list_their_copies() -> None:
    first, second = to_hits([[found("/a", 0.91234), found("/b")], [found("/c", 0.2)]])
    assert (first.rank, first.path, first.score, first.copies) == (1, "/a", 0.9123, ("/b",))
    assert (second.rank, second.path, second.copies) == (2, "/c", ())
