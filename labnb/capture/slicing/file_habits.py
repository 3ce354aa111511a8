"""Which calls read and write files."""

from __future__ import annotations

from labnb.capture.slicing.kinds import words

READ_FILE = words(
    "open load loadtxt genfromtxt fromfile memmap imread read_text read_bytes load_model load_weights"
    " load_workbook open_dataset from_pretrained glob iglob rglob iterdir listdir scandir walk exists"
    " isfile isdir is_file is_dir stat getsize getmtime load_state_dict_from_file parse_file ParquetFile"
    " ExcelFile File connect Image read_image loadmat safe_load_path load_npz mmread reload import_module"
    " run_path read_table read_sql read_sql_query"
)
WRITE_FILE = words(
    "to_csv to_parquet to_pickle to_json to_excel to_hdf to_feather to_sql to_html to_latex to_stata"
    " to_orc to_xml to_netcdf to_zarr savefig imsave save savez savez_compressed savetxt tofile dump"
    " save_model save_weights save_pretrained write_text write_bytes write_csv write_parquet write_json"
    " write_image write_html write_table mkdir makedirs touch rename replace unlink remove rmdir rmtree"
    " copy copy2 copyfile copytree move symlink link urlretrieve extractall imwrite write_ipc"
    " sink_parquet sink_csv save_npz savemat mmwrite symlink_to hardlink_to mkstemp mkdtemp to_file"
    " make_archive unpack_archive truncate chmod"
)
#: What opens files: the mode where none is given, and the place of the mode among the arguments.
OPENERS = {
    **dict.fromkeys(words("open ZipFile GzipFile BZ2File LZMAFile FileIO TarFile Dataset"), ("r", 1)),
    **dict.fromkeys(words("HDFStore File SummaryWriter connect"), ("a", 1)),
    **dict.fromkeys(words("ExcelWriter ParquetWriter"), ("w", 9)),
    "memmap": ("r+", 2),
    "open_memmap": ("r+", 1),
}
#: Names in WRITE_FILE that are files' business only in these libraries, or as methods of paths.
OFTEN_ELSE = words("replace remove copy move rename link touch dump save load truncate open connect")
#: Writers after which nothing is left of what the file held.
WHOLE_FILE = words(
    "to_csv to_parquet to_pickle to_json to_excel to_feather savefig imsave save savez savez_compressed"
    " savetxt tofile dump write_text write_bytes write_csv write_parquet write_json write_image"
    " write_html imwrite save_npz"
)
