"""Where the official datasets live on the net."""

from __future__ import annotations

from twinlens.data.download import Remote

# The addresses and checksums that scikit-learn's fetch_lfw_pairs uses: copies of the official files.
_FIGSHARE = "https://ndownloader.figshare.com/files"
LFW = (
    Remote(
        "pairs.txt",
        f"{_FIGSHARE}/5976006",
        "ea42330c62c92989f9d7c03237ed5d591365e89b3e649747777b70e692dc1592",
    ),
    Remote(
        "pairsDevTest.txt",
        f"{_FIGSHARE}/5976009",
        "7cb06600ea8b2814ac26e946201cdb304296262aad67d046a16a7ec85d0ff87c",
    ),
    Remote(
        "pairsDevTrain.txt",
        f"{_FIGSHARE}/5976012",
        "1d454dada7dfeca0e7eab6f65dc4e97a6312d44cf142207be28d688be92aabfa",
    ),
    Remote(
        "lfw-funneled.tgz",
        f"{_FIGSHARE}/5976015",
        "b47c8422c8cded889dc5a13418c4bc2abbda121092b3533a83306f90d900100a",
    ),
)
# Only LFW's own site has these, and only the setting "identities" needs them.
_LFW_SITE = "http://vis-www.cs.umass.edu/lfw"
LFW_PEOPLE_LISTS = (
    Remote(
        "people.txt",
        f"{_LFW_SITE}/people.txt",
        "bc8fa2b7f25c895cf7efb6de4f4fc27ca8b8d1cfa63350ad8b96eae2b198d365",
    ),
    Remote(
        "peopleDevTest.txt",
        f"{_LFW_SITE}/peopleDevTest.txt",
        "c3ed1f90499473401542101a56c14c1d82396bb8218c67a356d7460601047555",
    ),
    Remote(
        "peopleDevTrain.txt",
        f"{_LFW_SITE}/peopleDevTrain.txt",
        "2e58df13ba4cc143189336e001cc2c195f1dfa5b29a6475c02857be353c2a2fa",
    ),
)
_OMNIGLOT_HOME = "https://raw.githubusercontent.com/brendenlake/omniglot/master/python"
# Its authors publish no checksums, so what comes is checked by its structure.
OMNIGLOT = (
    Remote("images_background.zip", f"{_OMNIGLOT_HOME}/images_background.zip", None),
    Remote("images_evaluation.zip", f"{_OMNIGLOT_HOME}/images_evaluation.zip", None),
    Remote("all_runs.zip", f"{_OMNIGLOT_HOME}/one-shot-classification/all_runs.zip", None),
)
